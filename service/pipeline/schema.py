"""The pipeline language: what may stand in ``pipeline.yml`` and in ``tuning/<dataset>.yml``.

Models are frozen and refuse unknown keys; a field's docstring is what editors show. The order of keys is the event's path.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, PrivateAttr, StringConstraints, model_validator

from service.fields import FieldEntry, FieldName

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)?$", max_length=60)]
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}[smhdwy]$")]
RawPath = Annotated[str, StringConstraints(min_length=1, max_length=300)]
"""Dotted path into the raw event; a key that itself holds dots stands in double quotes: ``annotations."a.b/c"``."""
Target = Annotated[str, StringConstraints(pattern=r"^@?[A-Za-z_][A-Za-z0-9_@.\-]{0,200}\??$")]
"""ECS or vendor field. A trailing ``?`` means: leave it out quietly when the value is not of the field's type."""
Scalar = str | int | float | bool
Values = dict[str, Scalar | list[str]]
Enricher = Literal["geoip", "asn", "user_agent", "threat_intel", "community_id", "domain", "identity"]
Selection = dict[str, Any] | list[dict[str, Any]]
"""A Sigma selection: a mapping is AND, a list of mappings is OR; keys are ``field|modifier``."""


class Model(BaseModel):
    """Base of all configuration: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)


class Json(Model):
    """The raw event is one JSON object."""

    root: RawPath | None = None
    """Where inside the object the event proper is (``detail``), if it may be wrapped once more."""
    absent: list[str] = []
    """Strings that mean: there is none."""
    repeats: list[list[str]] = []
    """Keys of the event whose values come again and again, in groups: ``[[userIdentity]]``. What follows from the values of one
    group alone is worked out once and kept."""


class Columns(Model):
    """The raw event is one line of separated values, optionally quoted with double quotes."""

    default: str
    """Column names, separated by blanks, used when nothing else declares them. ``_`` skips a column."""
    known: list[str] = []
    """Further layouts of lines that nothing declares, told from the default by their number of values; among layouts with
    the same number, the first whose values all are what their fields ask for."""
    sources: list[Literal["declared", "header", "default"]] = Field(default=["declared", "header", "default"], alias="from")
    """Where the column names come from, best first: declared for the log group or stream, the file's header line, the default."""
    separator: Literal[" ", "\t", ",", ";", "|"] = " "
    """What stands between two values."""
    quoted: bool = False
    """Values may stand in double quotes and then hold the separator. Between blanks a backslash escapes a quote; with any
    other separator two quotes are one, and a value may go on over lines: CSV as RFC 4180 has it."""
    brackets: bool = False
    """Before the first quoted value, one may stand in square brackets and hold blanks: the time in web servers' logs."""
    objects: bool = False
    """Lines may also be JSON objects that hold the values by column name: rows of Parquet, or of logs delivered as JSON."""
    groups: dict[str, list[str]] = {}
    """Raw field → beginnings of column names: columns that begin so, and that nothing reads by name, are together in that field,
    an object by the rest of their names in snake case. A column of its own name may hold all of it, as an object or text."""
    absent: list[str] = ["-"]
    """Values that mean: there is none."""
    minimum: int = Field(default=1, ge=1)
    """Lines with fewer values are dead letters (``too_few_columns``)."""
    extra: Literal["unmapped", "refuse"] = "unmapped"
    """What becomes of values beyond the known columns: kept in ``unmapped.extra``, or the line is a dead letter."""
    refuse: bool = True
    """False: a line that cannot be split is kept as ``message`` instead of becoming a dead letter."""


class PatternAlternative(Model):
    """One shape of line; named groups become raw fields."""

    name: Name
    """Becomes the raw field ``_pattern``, for ``when`` and ``classify``."""
    regex: str
    """RE2 syntax, anchored at both ends, named groups ``(?P<name>…)``."""
    when: Selection | None = None
    """Only tried when these raw fields match; saves time where a cheap fact decides."""


class Pattern(Model):
    """The raw event is text in one of several shapes, tried in order."""

    source: RawPath = Field(default="_text", alias="from")
    """Raw field that holds the text: ``_text`` is the whole raw event."""
    any_of: list[PatternAlternative]
    """First match wins."""
    otherwise: Literal["keep", "refuse"] = "keep"
    """Text that no shape matches: kept as it is, or a dead letter (``no_pattern``)."""


class Parse(Model):
    """Text → raw fields. ``json_event``, ``columns`` or ``step`` first, then ``pattern`` on one of the fields it gave."""

    mask: list[Name] = []
    """What must not be stored but stands inside the text (``sql_secrets``): hidden in ``event.original`` and all else."""
    join: Name | None = None
    """Neighbours in a record that are pieces of one event (``container``, ``mysql``): put together before anything else reads
    them. The pieces count as dropped by the rule ``joined``, their text is in the event before them."""
    json_event: Json | None = Field(default=None, alias="json")
    """The event is JSON."""
    columns: Columns | None = None
    """The event is a line of columns."""
    step: Name | None = None
    """The event goes through a named Python parse step (``syslog``, ``json_or_text``)."""
    pattern: Pattern | None = None
    """Shapes of text."""


class Time(Model):
    """Where the event's time stands."""

    field: RawPath | list[RawPath]
    """Raw field, or several: the first that is there wins. ``_time`` is the transport's own."""
    format: Literal[
        "iso8601", "epoch_second", "epoch_milli", "epoch_auto", "syslog", "clf", "rfc2822", "day_first", "month_first"
    ] = "iso8601"  # fmt: skip
    """``syslog``: ``Mmm dd hh:mm:ss`` (year from arrival) or ISO; ``clf``: ``10/Oct/2000:13:55:36 +0000``; ``rfc2822``: ``Fri, 27
    Jan 2023 06:02:51 GMT``, or what ``epoch_auto`` reads; ``day_first``: ``27/01/2023 18:02:51``, ``27.01.2023 6:02 PM``;
    ``month_first``: ``01/27/2023 18:02:51``."""
    to: Target = "@timestamp"
    """Field that gets it. Only ``@timestamp`` decides the index and falls back to the arrival time."""


class Translate(Model):
    """One value for another, by a table in place or a shared one."""

    source: str | None = Field(default=None, alias="from")
    """Field (ECS field already set, else raw field) that is looked up; without it the target itself."""
    table: Name | None = None
    """Shared table in ``service/normalise/tables`` (``iana_protocols``, ``tcp_flags`` …)."""
    values: dict[str, Scalar | list[str]] | None = None
    """Looked-up value → new value. ``"*"`` is everything else; without it, other values stay (in place) or give nothing."""


class Class(Model):
    """What ECS calls the event: categorisation of one kind of event."""

    kind: str | None = None
    category: list[str] | None = None
    type: list[str] | None = None
    outcome: str | None = None


class Step(Model):
    """A named Python step from ``service/normalise/steps``: pure, tested, an exception to the language."""

    name: Name
    """Which."""
    source: dict[str, RawPath] | RawPath | None = Field(default=None, alias="from")
    """Its inputs: one raw (or ECS) field, or parameter name → field."""
    to: dict[str, Target | list[Target]] = {}
    """Its outputs: output name → field(s)."""
    options: dict[str, Any] = {}
    """Constants for it, checked when the pipeline is compiled."""


class Block(Model):
    """A group of steps, carried out in the order in which the keys are written.

    ``normalise`` is one block, or a list of blocks; a block with ``when`` is carried out for the events that match.
    """

    use: Name | None = None
    """The blocks of ``pipelines/_shared/<name>.yml`` stand here: what several sources have in common, said once. Nothing else
    may stand beside it."""
    when: Selection | None = None
    """Sigma selection over ECS fields set so far and raw fields."""
    time: Time | list[Time] | None = None
    """When it happened."""
    move: dict[RawPath, Target | list[Target]] | None = None
    """Raw field → ECS field(s): the raw field is consumed, the value cast to the field's type. A field keeps its first value."""
    set: dict[Target, Scalar | list[Scalar]] | None = None
    """Field → constant; overwrites."""
    first: dict[Target, list[str]] | None = None
    """Field → candidates (ECS fields set so far, else raw fields): the first that has a value. Raw candidates are consumed.
    Keeps a value that is already there."""
    translate: dict[Target, Annotated[Translate | Values, Field(union_mode="left_to_right")]] | None = None
    """Field → table; a plain mapping is short for ``values``, its key ``from`` names another source."""
    classify: dict[str, dict[str, Class]] | None = None
    """Field → value → ECS categories; ``"*"`` for all other values. Overwrites."""
    step: Step | list[Step] | None = None
    """Named Python steps. A list is added to what its field holds already, other values overwrite it."""
    ignore: list[RawPath] | None = None
    """Raw fields that say nothing new: consumed, not kept."""
    forget: list[RawPath] | None = None
    """Raw fields that must not be stored at all (secrets): removed from ``event.original`` too."""
    drop: dict[Name, Selection] | None = None
    """Rule name → selection: events that are deliberately not kept, counted under that name."""
    _order: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="wrap")
    @classmethod
    def _remember_order(cls, value: Any, handler: ModelWrapValidatorHandler[Block]) -> Block:
        made = handler(value)
        if isinstance(value, dict):
            made._order = tuple(key for key in value if isinstance(key, str))  # noqa: SLF001 - its own class
        return made

    @property
    def in_order(self) -> tuple[str, ...]:
        """Names of the steps in the order in which they are written."""
        return tuple(key for key in self._order if getattr(self, key, None) is not None)


class Sink(Model):
    """Where the document goes."""

    id: str | list[str] = "position"
    """``position`` (CloudWatch log event id, else position in the stream) or the field(s) whose values identify the event."""
    period: Literal["day", "week", "month"] = "month"
    """One index per project and period."""
    retention: Duration = "365d"
    """When the ISM policy deletes the index."""
    original: bool = True
    """Keep ``event.original``."""


class Drift(Model):
    """What is news about the format of this log, for ``siem drift``; it changes no document."""

    keys: Literal["known", "any"] = Field(default="known", description="``any``: what no step reads is kept, and no news.")
    open: list[str] = Field(default=[], description="Keys of the raw event: what is in their values is no news.")
    values: list[str] = Field(default=[], description="Fields whose tables have every value: what they lack is news.")


class PipelineFile(Model):
    """One log source: ``pipelines/<dataset>/pipeline.yml``."""

    dataset: Name
    """``event.dataset``; equal to the folder's name. The part before the dot is ``event.module``."""
    title: str
    """What people call it."""
    summary: str
    """One sentence: what it is and why a SOC wants it."""
    status: Literal["experimental", "beta", "stable"] = "experimental"
    """What may be claimed is checked by lint."""
    references: list[str] = []
    """Where the format is specified, by name."""
    delivery: list[Literal["cloudwatch_logs", "eventbridge", "s3", "application"]]
    """Ways this log reaches the stream."""
    setup: str = ""
    """How to send it, for the README: exact AWS settings, Markdown."""
    decode: list[Literal["lines", "json", "records", "multiline"]] = ["lines"]
    """How a plain payload falls into events: ``lines`` of text, ``json`` values in a row or one per line, ``records`` inside a
    JSON envelope's array (``Records``, ``logEvents`` …). ``multiline``: ``parse.join`` makes one event of several lines."""
    route: Selection
    """Which events: a selection over log_group, log_stream, transport, source, detail_type, s3_bucket, s3_key, stream, and the
    raw event (``_text`` or its JSON fields). Cheap facts first."""
    last: bool = False
    """The route is asked after those of all other sources: for logs that are known by where they come from, whatever they say.

    What every event says is looked at first, so records of such a source are always taken apart while they are routed.
    """
    parse: Parse
    normalise: Block | list[Block]
    enrich: list[Enricher] = []
    """What is added from memory; see the README of ``service/enrich``."""
    sink: Sink = Sink()
    drift: Drift = Drift()
    owner: str | None = None
    """Field, set by a step, with the account the log is of, checked unless the transport says it. Default: cloud.account.id."""
    labels: dict[str, str] = {}
    """Constant labels on every document."""


class SharedFile(Model):
    """What several sources have in common: ``pipelines/_shared/<name>.yml``, for ``use: <name>`` in their ``normalise``."""

    summary: str
    """One sentence: which events these blocks are for, and the raw fields they expect."""
    fields: dict[FieldName, FieldEntry] = {}
    """Fields that the blocks set and ECS does not define; as in ``fields.yml``."""
    normalise: list[Block]
    """The blocks."""


class TuningFile(Model):
    """What this deployment wants of a dataset: ``tuning/<dataset>.yml``; replaces nothing of what the source is."""

    dataset: Name
    drop: dict[Name, Selection] = {}
    """Further drop rules."""
    sample: dict[Name, dict[str, Any]] = {}
    """Rule name → ``{when: selection, keep: 0.1}``: keep only a share of these events, chosen by their id."""
    retention: Duration | None = None
    period: Literal["day", "week", "month"] | None = None
    enrich: list[Enricher] | None = None
    """Replaces the pipeline's list."""
    original: bool | None = None
    columns: dict[str, str] = {}
    """Log group or stream pattern (``*`` and ``?``) → column list, for sources whose format is configurable."""
    labels: dict[str, str] = {}
