// The live page: one stream of what happens, and what the person looks at. All text goes in as text, never as HTML.
"use strict";
const $ = (id) => document.getElementById(id);
const MOST = 200, MOST_ROWS = 1500, MOST_LOG = 2000;
const ICONS = { Pending: "◷", Running: "●", Succeeded: "✔", Failed: "✖", Error: "⚠", Skipped: "○", Omitted: "○" };
const workflows = new Map(), nodes = new Map();
let shown = null, last = "", stream = null, dirty = false, logging = null;

const headers = (extra) => {
  const token = sessionStorage.getItem("token");
  return token ? { ...extra, Authorization: `Bearer ${token}` } : { ...extra };
};
const el = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const time = (seconds) => (seconds ? new Date(seconds * 1000).toLocaleTimeString() : "");
const span = (from, to) => {
  if (!from) return "";
  const s = Math.max(0, (to || Date.now() / 1000) - from);
  return s < 60 ? `${s.toFixed(0)}s` : s < 3600 ? `${Math.floor(s / 60)}m${Math.floor(s % 60)}s` : `${Math.floor(s / 3600)}h${Math.floor((s % 3600) / 60)}m`;
};

async function* received(url, signal) {
  const response = await fetch(url, { headers: headers(last ? { "Last-Event-ID": last } : {}), signal });
  if (response.status === 401) { $("token").hidden = false; throw new Error("a token is needed"); }
  if (!response.ok) throw new Error(`status ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    for (let at; (at = text.indexOf("\n\n")) >= 0; text = text.slice(at + 2)) {
      const event = { kind: "message", data: "" };
      for (const line of text.slice(0, at).split("\n")) {
        if (line.startsWith("event: ")) event.kind = line.slice(7);
        else if (line.startsWith("id: ")) last = line.slice(4);
        else if (line.startsWith("data: ")) event.data += line.slice(6);
      }
      if (event.data) yield { kind: event.kind, data: JSON.parse(event.data) };
    }
  }
}

async function follow() {
  stream?.abort();
  const mine = (stream = new AbortController());
  for (let pause = 500; stream === mine; pause = Math.min(pause * 2, 10000)) {
    try {
      const query = shown ? `?namespace=${encodeURIComponent(shown.namespace)}&workflow=${encodeURIComponent(shown.uid)}` : "";
      for await (const { kind, data } of received(`/api/v1/stream${query}`, mine.signal)) {
        pause = 500;
        $("state").textContent = "live";
        if (kind === "snapshot") snapshot(data);
        else if (kind === "event") addEvent(data);
        else if (kind === "workflow") changed(data);
        else if (kind === "lost") last = "";
        dirty = true;
      }
    } catch (error) {
      if (mine.signal.aborted) return;
      $("state").textContent = `not connected: ${error.message}`;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function snapshot(data) {
  for (const each of [...data.workflows].reverse()) workflows.set(each.uid, each);
  if (data.workflow) { shown = data.workflow; nodes.clear(); for (const each of data.nodes) nodes.set(each.ordinal, each); }
}
function changed(data) {
  workflows.set(data.uid, { ...workflows.get(data.uid), ...data });
  while (workflows.size > MOST) workflows.delete(workflows.keys().next().value);
  if (shown && shown.uid === data.uid) { shown = { ...shown, ...data }; for (const each of data.nodes) nodes.set(each.ordinal, each); }
}
function addEvent(data) {
  const item = el("li"), button = el("button", `${data.eventSource}/${data.eventName} `);
  button.append(el("small", `${time(data.receivedAt)} ${data.type}`));
  button.onclick = () => explain(data.seq);
  item.append(button);
  $("events").prepend(item);
  while ($("events").childElementCount > MOST) $("events").lastElementChild.remove();
  $("no-events").hidden = $("endpoints").hidden = true;
}

const ask = async (url, options) => {
  const response = await fetch(url, { ...options, headers: headers({ "Content-Type": "application/json" }) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message || response.status);
  return answer;
};

async function explain(seq) {
  shown = null; last = ""; nodes.clear(); logging?.abort();
  $("detail").hidden = false; $("actions").replaceChildren(); $("log").hidden = $("log-title").hidden = true;
  const found = await ask(`/api/v1/event-log/${seq}/explain`);
  $("detail-title").textContent = `event ${found.event.id}`;
  $("detail-note").textContent = found.decisions.length ? "" : "No sensor listens to this event.";
  const lines = found.decisions.map((each) => `${each.outcome.padEnd(9)} ${each.sensor}  ${each.reason || each.error || ""}`);
  $("tree").textContent = [...lines, "", ...found.workflows.map((each) => `→ ${each.name}  ${each.phase}`), "", JSON.stringify(found.event.data, null, 2)].join("\n");
}

function open(workflow) {
  shown = workflow; last = ""; nodes.clear(); logging?.abort();
  $("detail").hidden = false; $("log").hidden = $("log-title").hidden = true;
  follow();
  dirty = true;
}

async function act(verb) {
  try {
    await ask(`/api/v1/workflows/${encodeURIComponent(shown.namespace)}/${encodeURIComponent(shown.name)}/${verb}`, { method: "PUT", body: "{}" });
    if (verb === "retry") { nodes.clear(); last = ""; follow(); }
  } catch (error) { $("detail-note").textContent = error.message; }
}

async function log(node) {
  logging?.abort();
  const mine = (logging = new AbortController());
  $("log").hidden = $("log-title").hidden = false;
  $("log-title").textContent = `Log of ${node.display_name}`;
  $("log").textContent = "";
  const url = `/api/v1/workflows/${encodeURIComponent(shown.namespace)}/${encodeURIComponent(shown.uid)}/log?podName=${encodeURIComponent(node.pod)}&logOptions.follow=true`;
  try {
    const response = await fetch(url, { headers: headers({}), signal: mine.signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "", lines = [];
    for (let part; !(part = await reader.read()).done; ) {
      const pieces = (rest + part.value).split("\n");
      rest = pieces.pop();
      for (const piece of pieces) if (piece) lines.push(JSON.parse(piece).result.content);
      lines = lines.slice(-MOST_LOG);
      $("log").textContent = lines.join("\n");
      $("log").scrollTop = $("log").scrollHeight;
    }
  } catch (error) { if (!mine.signal.aborted) $("log").textContent += `\n(${error.message})`; }
}

const GROUPS = new Set(["StepGroup", "TaskGroup", "Retry", "Pod"]);
function holder(node) {
  for (const parent of node.parents) {
    const above = nodes.get(parent);
    if (above && GROUPS.has(above.type) && node.name.startsWith(above.name) && "(.".includes(node.name[above.name.length] || " ")) return parent;
  }
  return node.boundary;
}
function drawTree() {
  const below = new Map();
  for (const node of nodes.values()) { const at = holder(node); below.has(at) ? below.get(at).push(node) : below.set(at, [node]); }
  const rows = document.createDocumentFragment();
  let count = 0;
  const walk = (at, depth) => {
    const children = below.get(at) || [];
    const loud = children.filter((each) => !["Succeeded", "Skipped", "Omitted"].includes(each.phase));
    const few = children.length <= 30 ? children : loud.slice(0, 30);
    for (const node of few) {
      if (++count > MOST_ROWS) return;
      const row = el("div");
      row.append("  ".repeat(depth), el("span", `${ICONS[node.phase] || " "} `, node.phase));
      const name = el("span", node.display_name, node.pod ? "node" : "");
      if (node.pod) name.onclick = () => log(node);
      row.append(name, el("small", `  ${node.phase === "Pending" ? "" : span(node.started_at, node.finished_at)}  ${node.message || node.waiting || ""}`));
      rows.append(row);
      walk(node.ordinal, depth + 1);
    }
    if (few.length < children.length) {
      const counts = {};
      for (const each of children) counts[each.phase] = (counts[each.phase] || 0) + 1;
      rows.append(el("div", `${"  ".repeat(depth)}… ${Object.entries(counts).map(([phase, n]) => `${n} ${phase}`).join(", ")}`, "soft"));
    }
  };
  walk(-1, 0);
  $("tree").replaceChildren(rows);
}
function draw() {
  const items = [...workflows.values()].reverse().map((each) => {
    const item = el("li"), button = el("button");
    button.append(el("span", `${ICONS[each.phase] || "◷"} `, each.phase), each.name, " ", el("small", `${span(each.started, each.finished)} ${each.message || ""}`));
    if (shown && shown.uid === each.uid) button.setAttribute("aria-current", "true");
    button.onclick = () => open(each);
    item.append(button);
    return item;
  });
  $("workflows").replaceChildren(...items);
  $("no-workflows").hidden = items.length > 0;
  if (!shown) return;
  $("detail-title").textContent = `${shown.name}  ${shown.phase}  ${span(shown.started, shown.finished)}`;
  $("detail-note").textContent = shown.message || "";
  const verbs = shown.finished ? (shown.phase === "Succeeded" ? ["resubmit"] : ["retry", "resubmit"]) : ["resume", "suspend", "stop", "terminate"];
  if ($("actions").dataset.verbs !== verbs.join() || !$("actions").childElementCount) {
    $("actions").dataset.verbs = verbs.join();
    $("actions").replaceChildren(...verbs.map((verb) => { const made = el("button", verb); made.onclick = () => act(verb); return made; }));
  }
  drawTree();
}
setInterval(() => { if (dirty || (shown && !shown.finished)) { dirty = false; draw(); } }, 500);

$("token").onchange = () => { sessionStorage.setItem("token", $("token").value); $("token").hidden = true; follow(); start(); };
async function start() {
  const [log, endpoints] = await Promise.all([ask("/api/v1/event-log?limit=50"), ask("/api/v1/endpoints")]);
  $("events").replaceChildren();
  for (const each of log.items.reverse()) addEvent(each);
  $("endpoints").replaceChildren(...endpoints.items.map((each) => el("li", `${each.method} ${each.path}  (${each.name})`)));
}
follow();
start().catch((error) => { $("state").textContent = error.message; });
