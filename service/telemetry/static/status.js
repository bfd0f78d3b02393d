"use strict";
const whole = new Intl.NumberFormat("en");
const number = (n) => whole.format(Math.round(n));
const seconds = (s) => s === null || s === undefined ? "–" : s < 1 ? "< 1 s" : s < 120 ? `${Math.round(s)} s`
  : s < 7200 ? `${Math.round(s / 60)} min` : s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
const bytes = (b) => b ? `${number(b / 1048576)} MB` : "–";
const at = (id) => document.getElementById(id);

// Everything from the service is put in as text, never as markup.
function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function fill(id, rows, empty) {
  const body = at(id).tBodies[0];
  const lines = rows.map((cells) => {
    const line = document.createElement("tr");
    line.append(...cells.map(([text, className]) => element("td", text, className)));
    return line;
  });
  if (!lines.length) {
    const cell = element("td", empty, "none");
    cell.colSpan = at(id).tHead.rows[0].cells.length;
    const line = document.createElement("tr");
    line.append(cell);
    lines.push(line);
  }
  body.replaceChildren(...lines);
}

const count = (n, bad) => [number(n), bad && n !== 0 ? "n bad" : "n"];
const dataset = (source) => source.dataset === "*" ? "the whole stream" : source.dataset;
const project = (row) => [`${row.project} · ${row.environment}`];

function tiles(status) {
  const t = status.totals;
  const shown = [["Records", t.records], ["Events", t.events], ["Indexed", t.indexed], ["Already there", t.already_there],
    ["Dropped by rule", t.dropped], ["Dead letters", t.dead_lettered, "warn"], ["In flight", t.in_flight],
    ["Unaccounted", t.unaccounted, "bad"], ["Unknown to pipelines", t.drift]];
  at("totals").replaceChildren(...shown.map(([name, value, kind]) => {
    const tile = element("div", undefined, kind === "bad" && value !== 0 ? "tile bad" : "tile");
    tile.append(element("b", number(value)), element("span", name));
    return tile;
  }));
}

function spark(points) {
  const width = 600, height = 90, space = "http://www.w3.org/2000/svg";
  const most = Math.max(0, ...points.map((p) => Math.max(p.events, p.stored)));
  const step = width / Math.max(1, points.length - 1);
  const line = (key) => points.map((p, i) =>
    `${i ? "L" : "M"}${(i * step).toFixed(1)} ${(height - 2 - (height - 6) * p[key] / Math.max(1, most)).toFixed(1)}`).join("");
  const path = (key, shape) => {
    const made = document.createElementNS(space, "path");
    made.setAttribute("d", shape);
    made.setAttribute("class", key);
    return made;
  };
  const end = ((points.length - 1) * step).toFixed(1);
  at("spark").replaceChildren(...(points.length < 2 ? [] : [
    path("events", `${line("events")}L${end} ${height}L0 ${height}Z`), path("stored", line("stored"))]));
  const recent = points.slice(-5);
  const mean = (key) => recent.length ? recent.reduce((sum, p) => sum + p[key], 0) / recent.length : 0;
  at("rate").replaceChildren(element("span", undefined, "key events"), `${number(mean("events"))} events/s taken up`,
    element("span", undefined, "key stored"), `${number(mean("stored"))} documents/s stored`,
    points.length < 2 ? "" : ` · peak ${number(most)}/s in the last ${points.length} s`);
}

function attention(status) {
  const box = at("attention");
  const lines = status.troubles.map((text) => element("p", text));
  for (const hold of status.holds) {
    const act = hold.needs_action ? "somebody has to act" : "it resumes by itself";
    lines.push(element("p", `${hold.dataset} waits for OpenSearch: ${hold.code}, for ${seconds(hold.seconds)}; ${act}`));
  }
  for (const stream of status.streams.filter((s) => s.state === "unreachable")) {
    lines.push(element("p", `${stream.stream} of ${stream.project} · ${stream.environment} cannot be read: ${stream.last_error}`));
  }
  for (const source of status.sources.filter((s) => s.state === "silent")) {
    lines.push(element("p", `${dataset(source)} of ${source.project} · ${source.environment} on ${source.stream} fell silent `
      + `${seconds((status.now_ms - source.last_ms) / 1000)} ago`));
  }
  box.hidden = !lines.length;
  box.replaceChildren(...lines);
}

function problems(list, now) {
  const made = list.map((p) => {
    const line = document.createElement("li");
    const head = element("p");
    head.append(element("b", p.event, p.level === "warning" ? "" : "bad"),
      ` · ${number(p.count)}× · last ${seconds((now - p.last_ms) / 1000)} ago`);
    line.append(head);
    if (p.advice) line.append(element("p", p.advice));
    if (p.detail) line.append(element("p", p.detail, "dim"));
    return line;
  });
  at("problems").replaceChildren(...(made.length ? made : [element("li", "None.", "dim")]));
}

function show(status) {
  const words = { ok: "running", waiting: "waiting for OpenSearch", attention: "needs attention" };
  at("state").textContent = words[status.state];
  at("state").className = `state ${status.state}`;
  at("about").textContent = `${status.role} · version ${status.version} · up ${seconds((status.now_ms - status.started_ms) / 1000)}`;
  document.title = `kinesiem: ${words[status.state]}`;
  attention(status);
  tiles(status);
  spark(status.throughput);
  fill("datasets", status.datasets.map((d) => [project(d), [d.stream], [d.dataset], count(d.events), count(d.indexed),
    count(d.already_there), count(d.dropped), count(d.dead_lettered), count(d.in_flight), count(d.abandoned),
    count(d.unaccounted, true), [seconds(d.behind_seconds), "n"]]), "No events yet.");
  fill("streams", status.streams.map((s) => [project(s), [s.stream], [s.state || "–", s.state === "unreachable" ? "bad" : ""], [s.mode || "–"], count(s.shards),
    count(s.records), count(s.control), count(s.unrouted), count(s.waiting),
    count(s.unaccounted, true), count(s.gaps, true), [seconds(s.behind_seconds), "n"],
    [s.last_error || "–", s.last_error ? "wrap" : "none"]]), "No streams yet.");
  fill("sources", status.sources.map((s) => [project(s), [s.stream], [dataset(s)], [s.state, s.state === "silent" ? "bad" : ""],
    [seconds(Math.max(0, (status.now_ms - s.last_ms) / 1000)), "n"], [seconds(s.patience_seconds), "n"],
    [s.reason || "–", s.reason ? "wrap" : "none"]]), "Not judged yet, or judged by another service.");
  fill("kafka", status.kafka.map((k) => [[k.topic], count(k.lag)]), "Not known yet.");
  fill("workers", status.workers.map((w) => [[`${w.name} (pid ${w.pid})`], [w.state], count(w.partitions),
    [bytes(w.memory_bytes), "n"], [seconds(w.uptime_seconds), "n"], count(w.restarts)]), "None.");
  problems(status.problems, status.now_ms);
}

async function poll() {
  try {
    const answer = await fetch("status.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
  } catch (error) {
    at("state").textContent = "no answer from the service";
    at("state").className = "state lost";
  }
  setTimeout(poll, document.hidden ? 5000 : 1000);
}
poll();
