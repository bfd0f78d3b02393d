"""step: a named Python function between raw fields (or fields already set) and output fields."""

from __future__ import annotations

from service.errors import ContentError, EventError
from service.normalise.assign import add_kind, assign_kind
from service.normalise.steps import STEPS
from service.normalise.steps.spec import StepSpec
from service.pipeline.draft import Draft
from service.pipeline.schema import Step
from service.pipeline.slots import Kind, Quoting

_KINDS: dict[str, Kind] = {"str": "str", "int": "int", "float": "float", "bool": "bool", "list": "strs", "json": "json"}


def write_step(draft: Draft, rule: Step) -> None:
    """Call the step and give its outputs to their fields; an output that is None leaves the field as it is.

    A list is added to one that is there, unless the step was given that one. What an event is (``event.category`` …) is no
    list to add to: there a step has the last word, and a second one for the same events is refused.
    """
    spec = STEPS.get(rule.name)
    if spec is None:
        raise ContentError(draft.place, "unknown_step", f"there is no step {rule.name}", "known: " + ", ".join(sorted(STEPS)))
    named = rule.source if isinstance(rule.source, dict) else {spec.inputs[0]: rule.source} if rule.source else {}
    for name in named:
        if name not in spec.inputs:
            raise ContentError(
                draft.place, "unknown_input", f"{rule.name} has no input {name}", "it has: " + ", ".join(spec.inputs)
            )
    for name in rule.to:
        if name not in spec.outputs:
            raise ContentError(
                draft.place, "unknown_output", f"{rule.name} gives no {name}", "it gives: " + ", ".join(spec.outputs)
            )
    arguments = [_argument(draft, named.get(name)) for name in spec.inputs]
    quoting = _quoting(draft, named, cuts=spec.cuts)
    try:
        function = spec.bind(rule.options) if rule.options else spec.function
    except (EventError, TypeError, ValueError, KeyError) as error:
        raise ContentError(draft.place, "wrong_options", f"{rule.name}: {error}") from error
    if all(argument == "None" for argument in arguments):
        return
    locals_ = {name: draft.code.local(name, "s") for name in rule.to}
    unpacked = ", ".join(locals_.get(name, "_") for name in spec.outputs)
    test = " or ".join(f"{argument} is not None" for argument in arguments if argument != "None")
    call = f"{draft.constants.name(function, 'STEP')}({', '.join(arguments)})"
    if all(_is_scalar(draft, name) for name in named.values()):
        # Steps are pure, and what is scalar repeats: the same principals, the same calls.
        call = f"{draft.constants.name(('memo', function), 'STEP')}[({', '.join(arguments)},)]"
    given, always = draft.code.local(rule.name, "g"), not draft.conditional
    draft.code.add(f"{given} = None")
    with draft.condition(test):
        nothing = draft.constants.name((None,) * len(spec.outputs), "NOTHING")
        # Most steps have nothing to say about most events: one test instead of one for each output, here and at the end.
        draft.code.add(f"{given} = {call}", f"if {given} == {nothing}: {given} = None")
        with draft.code.block("else:"):
            draft.code.add(f"({unpacked},) = {given}")
            _assign(draft, rule, spec, named, locals_, quoting, given if always else None)


def _assign(
    draft: Draft,
    rule: Step,
    spec: StepSpec,
    named: dict[str, str],
    locals_: dict[str, str],
    quoting: Quoting,
    group: str | None,
) -> None:
    for name, targets in rule.to.items():
        kind = _KINDS[spec.outputs[name]]
        for target in [targets] if isinstance(targets, str) else targets:
            slot = draft.slot(target)
            alone = not slot.touched
            adds = not alone and slot.kind == "strs" and target not in named.values()
            if adds and slot.spec.allowed and slot.name in draft.stepped.get(draft.block, ()):
                raise ContentError(
                    draft.place,
                    "written_twice",
                    f"another step writes {slot.name} for the same events, and only one of them can say what they are",
                    "leave one out, or put each into a block with a when of its own",
                )
            draft.stepped.setdefault(draft.block, set()).add(slot.name)
            with draft.code.block(f"if {locals_[name]} is not None:"):
                if adds and not slot.spec.allowed:
                    add_kind(draft, slot, locals_[name], kind, quoting)
                else:
                    assign_kind(draft, slot, locals_[name], kind, quoting)
            slot.touch()
            slot.group = group if alone else None


def _argument(draft: Draft, name: str | None) -> str:
    if name is None:
        return "None"
    slot = draft.slots.get(name)
    if slot is not None and slot.touched:
        return draft.value(name)
    return draft.consume(name).local


def _is_scalar(draft: Draft, name: str) -> bool:
    slot = draft.slots.get(name)
    if slot is not None and slot.touched:
        return slot.kind in ("str", "int", "float", "bool")
    read = draft.read(name)
    return read.never or read.type in (str, int, float, bool)


def _quoting(draft: Draft, named: dict[str, str], *, cuts: bool) -> Quoting:
    if not cuts or any(draft.read(name).foreign for name in named.values() if name not in draft.slots):
        return Quoting.ALWAYS
    slots = [draft.slots[name] for name in named.values() if name in draft.slots and draft.slots[name].touched]
    return max([Quoting.LIKE_RAW, *(slot.quoting for slot in slots)])
