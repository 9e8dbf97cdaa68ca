// The pose editor of `repose web`: Gradio calls this with `element`, the root of the component.
const part = (name) => element.querySelector(`[data-part="${name}"]`);
const PARENT = [1, -1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 1, 11, 12, 0, 0, 14, 15];
const FACE = new Set([0, 14, 15, 16, 17]);
const COLOURS = ["#ffffff", "#ffffff", "#ff5a36", "#ff8c1a", "#ffc400", "#2f7bff", "#00b0ff", "#00e5c8", "#ff2e86", "#ff5fa8", "#ff9ad0", "#7048ff", "#5f8bff", "#2fd06a", "#ffd9a8", "#a9d4ff", "#ffab70", "#7db4ff"];
const MARGIN = 0.25; // of the picture that a joint may go beyond it

const state = {
  about: null, session: null, width: 0, height: 0, people: [], who: 0, photograph: null,
  own: null, joints: null, base: null, undo: [], redo: [], correcting: false,
  model: "", background: "keep", compared: [], original: false, skeleton: true, chosen: -1, drag: null,
};

// -- the server -----------------------------------------------------------------------------------------------------

async function call(path, { json, file, method } = {}) {
  const options = { method: method || (json || file ? "POST" : "GET"), headers: { "Repose-Page": "1" } };
  if (json) { options.body = JSON.stringify(json); options.headers["Content-Type"] = "application/json"; }
  if (file) { options.body = file; options.headers["Content-Type"] = "application/octet-stream"; }
  let reply;
  try {
    reply = await fetch(new URL("live/" + path, document.baseURI), options);
  } catch {
    throw new Error("The server does not answer. Try again in a moment, or ask who runs this page.");
  }
  if (!reply.ok) {
    const text = await reply.json().then((given) => given.error, () => `the server says ${reply.status} ${reply.statusText}`);
    throw new Error(text);
  }
  return reply;
}
const here = (path, options) => call(`${state.session}/${path}`, options);

function say(text, wrong = false) {
  part("status").textContent = text;
  part("status").classList.toggle("rp-wrong", wrong);
}
const fail = (error) => say(sentence(error.message), true);
let working = 0;
async function during(text, work) {
  if (text) say(text);
  working += 1;
  part("busy").hidden = false;
  try { return await work(); } catch (error) { fail(error); return undefined; } finally {
    working -= 1;
    part("busy").hidden = working === 0;
  }
}

// -- a photograph ---------------------------------------------------------------------------------------------------

async function open(file) {
  if (!file) return;
  await during("Looking for people on the photograph …", async () => {
    if (state.about && file.size > state.about.bytes) throw new Error(`This file is too large: at most ${Math.round(state.about.bytes / 1e6)} megabytes are taken`);
    const given = await (await call(`photograph?name=${encodeURIComponent(file.name || "photograph")}`, { file })).json();
    if (state.session) call(state.session, { method: "DELETE" }).catch(() => {});
    Object.assign(state, { session: given.session, width: given.width, height: given.height, people: given.people, who: 0, undo: [], redo: [], original: false });
    const canvas = await fetchPhotograph();
    for (const name of ["work", "sliders", "joint-part"]) part(name).hidden = false;
    part("drop").classList.add("rp-small");
    part("drop").querySelector("strong").textContent = "Another photograph";
    part("example").hidden = true;
    people();
    if (state.correcting) correct(false);
    begin(given.joints);
    zoom(state.width > state.height && part("stage").clientWidth < 560);
    canvas.getContext("2d").drawImage(state.photograph, 0, 0);
    say(given.note ? sentence(given.note) : "Getting the photograph ready: you can drag a joint already.");
    if (given.found) ask("Drag a joint: the picture follows."); else { correct(true); say(`${given.note ? sentence(given.note) : "Nobody was found on this photograph."} Drag each joint to where it is, then press “Done” below.`); }
  });
}
async function fetchPhotograph() {
  state.photograph = await createImageBitmap(await (await here("photograph")).blob());
  const canvas = part("canvas");
  canvas.width = state.width; canvas.height = state.height;
  part("bones").setAttribute("viewBox", `0 0 ${state.width} ${state.height}`);
  return canvas;
}
async function enlarge() { // the photograph, where the figure leaves it
  await during("Enlarging the photograph …", async () => {
    const given = await (await here("room", { json: { joints: state.joints, model: state.model } })).json();
    const moved = (joints) => joints.map(([x, y, there]) => (there ? [given.scale * x + given.right, given.scale * y + given.down, there] : [0, 0, 0]));
    Object.assign(state, { width: given.width, height: given.height, people: given.people });
    for (const name of ["own", "joints", "base"]) state[name] = moved(state[name]);
    for (const name of ["undo", "redo"]) state[name] = state[name].map(moved);
    await fetchPhotograph();
    bitmap = null; draw(state.photograph); zoom(false); show(); part("room").hidden = true;
    ask("The photograph is larger now.");
  });
}
part("room").addEventListener("click", enlarge);
const sentence = (text) => (/^\S*\.\w/.test(text) ? text[0] : text.charAt(0).toUpperCase()) + text.slice(1).replace(/(?<![.?!])$/, "."); // names of files stay

function begin(own) {
  state.own = copy(own); state.joints = copy(own); state.base = copy(own); state.undo = []; state.redo = [];
  bitmap = null; sliders(0, 0, 100); show();
}

function people() {
  const box = part("people");
  box.replaceChildren(); box.hidden = state.people.length < 2;
  if (box.hidden) return;
  box.append(`${state.people.length} people are on the photograph. Pose `);
  state.people.forEach((_, number) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "rp-button", textContent: `person ${number + 1}` });
    button.setAttribute("aria-pressed", String(number === state.who));
    button.addEventListener("click", () => choose(number));
    box.append(button);
  });
}
async function choose(number) {
  await during(`Person ${number + 1} is chosen …`, async () => {
    const given = await (await here("person", { json: { number } })).json();
    state.who = number; people(); begin(given.joints); say(`Person ${number + 1} is chosen. Drag a joint.`); ask();
  });
}

function correct(on) {
  state.correcting = on;
  part("correct").textContent = on ? "Done: pose the person by these joints" : "Correct the joints that were found";
  if (on) { state.joints = copy(state.own); draw(state.photograph); say("Drag each joint to where it is on the photograph, then press “Done” below."); part("joint-part").open = true; show(); }
}
async function corrected() {
  await during("Taking these joints …", async () => {
    const given = await (await here("person", { json: { joints: state.joints } })).json();
    correct(false); begin(given.joints); say("The joints are taken. Drag one to pose the person."); ask();
  });
}

// -- the picture ----------------------------------------------------------------------------------------------------

let asked = false, asking = false, bitmap = null, settle = 0;
async function ask(then = "") {
  if (!state.session || state.correcting) return;
  asked = true;
  if (asking) return; // the picture under way comes first; then only the newest joints are asked for
  asking = true;
  const begun = performance.now();
  const slow = setTimeout(() => { part("busy").hidden = false; }, 400);
  try {
    while (asked) {
      asked = false;
      const from = performance.now();
      const reply = await here("pose", { json: { joints: state.joints, model: state.model, background: state.background } });
      if (reply.status === 204) continue;
      const next = await createImageBitmap(await reply.blob());
      if (state.correcting) break;
      bitmap = next;
      if (!state.original) draw(bitmap);
      part("speed").textContent = `${Math.round(performance.now() - from)} ms`;
      part("stage").dataset.pictures = String(1 + Number(part("stage").dataset.pictures || 0));
      const note = reply.headers.get("Repose-Note");
      part("room").hidden = !note;
      if (!state.drag) say(note ? sentence(note) : then);
    }
  } catch (error) { fail(error); } finally {
    asking = false; clearTimeout(slow); part("busy").hidden = working === 0;
  }
  clearTimeout(settle);
  settle = setTimeout(compare, 350);
}
function draw(image) {
  const canvas = part("canvas"), context = canvas.getContext("2d");
  if (!image) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
}

const urls = [];
async function compare() {
  const box = part("compare"), others = state.compared.filter((name) => name !== current());
  box.hidden = !others.length || !state.session;
  if (box.hidden || state.drag) return;
  const figures = [[current(), await new Promise((done) => part("canvas").toBlob(done))]];
  try {
    for (const model of others) {
      const reply = await here("pose", { json: { joints: state.joints, model, background: state.background } });
      if (reply.status === 204) return;
      figures.push([model, await reply.blob()]);
    }
  } catch (error) { fail(error); return; }
  urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
  box.replaceChildren(...figures.map(([name, blob]) => {
    const figure = document.createElement("figure"), image = document.createElement("img"), caption = document.createElement("figcaption");
    urls.push(image.src = URL.createObjectURL(blob)); image.alt = `The pose by ${name}`; caption.textContent = name;
    figure.append(image, caption);
    return figure;
  }));
}
const current = () => state.model || (state.about ? state.about.models[0] : "");

// -- the skeleton ---------------------------------------------------------------------------------------------------

const copy = (joints) => joints.map((row) => [...row]);
const named = (joint) => state.about.joints[joint].replace("_", " ");

function build() {
  const list = part("list"), handles = part("handles");
  state.about.joints.forEach((_, joint) => {
    const handle = document.createElement("div");
    handle.className = "rp-joint" + (FACE.has(joint) ? " rp-face" : ""); handle.dataset.joint = joint; handle.style.setProperty("--colour", COLOURS[joint]); handle.title = named(joint);
    handles.append(handle);
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button"; button.className = "rp-button"; button.dataset.joint = joint; button.style.setProperty("--colour", FACE.has(joint) || joint === 1 ? "#8a8f9c" : COLOURS[joint]);
    button.append(Object.assign(document.createElement("span"), { textContent: named(joint) }), document.createElement("small"));
    item.append(button); list.append(item);
  });
  const lines = state.about.limbs.slice(0, 17);
  part("bones").innerHTML = ["rp-under", ""].map((kind) => lines.map(([a, b]) => `<line class="${kind}" data-limb="${a} ${b}" ${kind ? "" : `stroke="${COLOURS[b]}"`}></line>`).join("")).join("");
}

function show() {
  const joints = state.joints;
  if (!joints) return;
  part("stage").classList.toggle("rp-bare", !state.skeleton);
  part("bones").style.display = part("handles").style.display = state.skeleton ? "" : "none";
  for (const handle of part("handles").children) {
    const [x, y, there] = joints[handle.dataset.joint];
    handle.hidden = !there;
    handle.style.left = `${(100 * (x + 0.5)) / state.width}%`; handle.style.top = `${(100 * (y + 0.5)) / state.height}%`;
    handle.classList.toggle("rp-chosen", Number(handle.dataset.joint) === state.chosen);
  }
  for (const line of part("bones").children) {
    const [a, b] = line.dataset.limb.split(" ").map((joint) => joints[joint]);
    line.style.display = a[2] && b[2] ? "" : "none";
    line.setAttribute("x1", a[0] + 0.5); line.setAttribute("y1", a[1] + 0.5); line.setAttribute("x2", b[0] + 0.5); line.setAttribute("y2", b[1] + 0.5);
  }
  for (const { firstChild: button } of part("list").children) {
    const joint = Number(button.dataset.joint), [x, y, there] = joints[joint];
    button.classList.toggle("rp-hollow", !there);
    button.lastChild.textContent = there ? `${Math.round(x)}, ${Math.round(y)}` : "not found";
    button.setAttribute("aria-label", there ? `${named(joint)}, ${Math.round(x)} from the left, ${Math.round(y)} from the top; arrow keys move it` : `${named(joint)}, not found; Enter places it`);
  }
  part("undo").disabled = !state.undo.length; part("redo").disabled = !state.redo.length;
  part("original").setAttribute("aria-pressed", String(state.original)); part("skeleton").setAttribute("aria-pressed", String(state.skeleton));
}

const bounds = () => { // of the figure in the picture: left, top, right, bottom
  const there = state.own.filter((row) => row[2]), x = there.map((row) => row[0]), y = there.map((row) => row[1]);
  return [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)];
};
function zoom(on) { // the whole picture, or what is around the person
  let [x, y, width, height] = [0, 0, state.width, state.height];
  if (on) {
    const [left, top, right, bottom] = bounds(), tall = Math.max(bottom - top, right - left);
    height = Math.min(state.height, 1.45 * tall); width = Math.min(state.width, 1.1 * height);
    x = Math.min(state.width - width, Math.max(0, (left + right - width) / 2)); y = Math.min(state.height - height, Math.max(0, (top + bottom - height) / 2));
  }
  const style = part("view").style;
  style.width = `${(100 * state.width) / width}%`; style.height = `${(100 * state.height) / height}%`;
  style.left = `${(-100 * x) / width}%`; style.top = `${(-100 * y) / height}%`; style.right = style.bottom = "auto";
  part("stage").style.aspectRatio = `${width} / ${height}`;
  part("stage").style.maxWidth = `calc(68vh * ${(width / height).toFixed(4)})`;
  part("zoom").setAttribute("aria-pressed", String(on)); state.zoomed = on;
  dots();
}
function dots() { // small figures get small dots
  const [left, top, right, bottom] = bounds(), tall = (Math.max(bottom - top, right - left) * part("canvas").clientHeight) / state.height;
  part("handles").style.setProperty("--dot", `${Math.min(9, Math.max(4, 0.02 * tall)).toFixed(1)}px`);
}
new ResizeObserver(() => { if (state.own) dots(); }).observe(part("stage"));

function remember() {
  state.undo.push(copy(state.joints)); state.redo = [];
  if (state.undo.length > 200) state.undo.shift();
}
function changed(joints, keepSliders = false) {
  state.joints = joints;
  if (!keepSliders) { state.base = copy(joints); sliders(0, 0, 100); }
  if (state.original) original(false);
  show(); ask();
}
function hanging(joint) {
  const all = [joint];
  PARENT.forEach((_, other) => { for (let up = PARENT[other]; up >= 0; up = PARENT[up]) if (up === joint) { all.push(other); break; } });
  return all;
}
function move(joint, x, y, alone) {
  const joints = state.joints, wide = MARGIN * state.width, high = MARGIN * state.height;
  x = Math.min(state.width + wide, Math.max(-wide, x)); y = Math.min(state.height + high, Math.max(-high, y));
  const [dx, dy] = [x - joints[joint][0], y - joints[joint][1]];
  if (!joints[joint][2]) { joints[joint] = [x, y, 1]; return; }
  const single = alone || state.correcting || !part("follow").checked;
  if (!single && ENDS.has(joint) && bend(joint, x, y)) return;
  for (const other of single ? [joint] : hanging(joint)) {
    if (joints[other][2]) { joints[other][0] += dx; joints[other][1] += dy; }
  }
}
// A hand or foot takes its elbow or knee along: the bones keep their lengths while the end is within their reach, then
// they stretch as far as a limb that pointed at the camera can.
const ENDS = new Set([4, 7, 10, 13]);
function bend(end, x, y) {
  const joints = state.joints, middle = PARENT[end], root = PARENT[middle];
  if (!joints[middle][2] || !joints[root][2]) return false;
  const limb = state.drag && state.drag.limb;
  const [a, b] = limb || lengths(joints, root, middle, end);
  const most = Math.max(a + b, 1.1 * natural(end));
  const [rx, ry] = joints[root];
  let d = Math.hypot(x - rx, y - ry);
  if (d < 1e-3) return false;
  const [ux, uy] = [(x - rx) / d, (y - ry) / d];
  d = Math.min(d, most);
  const grown = Math.max(1, d / (a + b)), [first, second] = [a * grown, b * grown];
  const along = Math.min(first, Math.max(-first, (d * d + first * first - second * second) / (2 * d)));
  const side = (joints[middle][0] - rx) * -uy + (joints[middle][1] - ry) * ux >= 0 ? 1 : -1;
  const across = side * Math.sqrt(Math.max(0, first * first - along * along));
  joints[middle] = [rx + along * ux - across * uy, ry + along * uy + across * ux, joints[middle][2]];
  joints[end] = [rx + d * ux, ry + d * uy, joints[end][2]];
  return true;
}
const apart = (joints, a, b) => Math.hypot(joints[a][0] - joints[b][0], joints[a][1] - joints[b][1]);
const lengths = (joints, root, middle, end) => [apart(joints, root, middle), apart(joints, middle, end)];
function natural(end) { // of a whole limb, pixels, by the trunk of the person
  const hips = [8, 11].filter((joint) => state.own[joint][2]).map((joint) => (state.own[1][2] ? apart(state.own, 1, joint) : 0));
  return Math.max(0, ...hips) * (end === 4 || end === 7 ? 1.1 : 1.62) * (part("size").value / 100);
}
function place(joint) { // a joint that was not found: beside the one it hangs on
  let up = PARENT[joint];
  while (up >= 0 && !state.joints[up][2]) up = PARENT[up];
  const at = up >= 0 ? state.joints[up] : [state.width / 2, state.height / 2];
  remember(); state.joints[joint] = [at[0] + 0.03 * state.width, at[1] + 0.03 * state.height, 1];
  say(`The ${named(joint)} is placed. Move it with the arrow keys.`); changed(state.joints);
}

// -- pointers and keys ----------------------------------------------------------------------------------------------

function point(event) {
  const box = part("canvas").getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * state.width, ((event.clientY - box.top) / box.height) * state.height, box.width / state.width];
}
function nearest(event) {
  const [x, y, scale] = point(event);
  let best = -1, least = 22 / scale;
  state.joints.forEach(([jx, jy, there], joint) => {
    const far = Math.hypot(jx - x, jy - y) * (joint === state.chosen ? 0.8 : 1);
    if (there && far < least) { best = joint; least = far; }
  });
  return best;
}
function drag(event, joint, target) {
  event.preventDefault();
  remember();
  const [x, y] = point(event), from = state.joints[joint];
  state.drag = { joint, dx: from[2] ? from[0] - x : 0, dy: from[2] ? from[1] - y : 0, id: event.pointerId, moved: false };
  if (ENDS.has(joint)) state.drag.limb = lengths(state.joints, PARENT[PARENT[joint]], PARENT[joint], joint);
  pick(joint);
  try { target.setPointerCapture(event.pointerId); } catch { /* the pointer is gone already */ }
}
function pick(joint) {
  state.chosen = joint;
  for (const handle of part("handles").children) handle.classList.toggle("rp-on", Boolean(state.drag) && Number(handle.dataset.joint) === joint);
  show();
}
function dragging(event) {
  const held = state.drag;
  if (!held || event.pointerId !== held.id) return;
  event.preventDefault();
  const [x, y] = point(event);
  if (!state.joints[held.joint][2] && (x < 0 || y < 0 || x > state.width || y > state.height)) return; // not on the picture yet
  held.moved = true;
  move(held.joint, x + held.dx, y + held.dy, event.altKey);
  changed(state.joints);
}
function dropped(event) {
  const held = state.drag;
  if (!held || event.pointerId !== held.id) return;
  state.drag = null;
  if (!held.moved) state.undo.pop();
  else { const [x, y] = state.joints[held.joint]; say(`${sentence(named(held.joint)).slice(0, -1)} at ${Math.round(x)}, ${Math.round(y)}.`); ask(); }
  pick(held.joint);
}
part("handles").addEventListener("pointerdown", (event) => {
  const joint = nearest(event);
  if (joint >= 0 && event.button === 0) drag(event, joint, part("handles"));
});
part("list").addEventListener("pointerdown", (event) => {
  const button = event.target.closest("button");
  if (button && button.classList.contains("rp-hollow") && event.button === 0) { drag(event, Number(button.dataset.joint), button); button.focus(); }
});
for (const where of [part("handles"), part("list")]) {
  where.addEventListener("pointermove", dragging);
  where.addEventListener("pointerup", dropped);
  where.addEventListener("pointercancel", dropped);
}
part("list").addEventListener("focusin", (event) => { const button = event.target.closest("button"); if (button) pick(Number(button.dataset.joint)); });
part("list").addEventListener("click", (event) => { const button = event.target.closest("button"); if (button) button.focus(); });
part("list").addEventListener("keydown", (event) => {
  const button = event.target.closest("button");
  if (!button || event.ctrlKey || event.metaKey) return;
  const joint = Number(button.dataset.joint), step = event.shiftKey ? 10 : 1;
  const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] || [0, 0];
  if (event.key === "Enter" && !state.joints[joint][2]) { event.preventDefault(); place(joint); }
  else if ((event.key === "Delete" || event.key === "Backspace") && state.joints[joint][2]) {
    event.preventDefault(); remember(); state.joints[joint] = [0, 0, 0]; say(`The ${named(joint)} is hidden.`); changed(state.joints);
  } else if ((dx || dy) && state.joints[joint][2]) {
    event.preventDefault();
    if (!event.repeat) remember();
    move(joint, state.joints[joint][0] + dx, state.joints[joint][1] + dy, event.altKey); changed(state.joints);
  }
});
element.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || !state.session) return;
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) { event.preventDefault(); back(); }
  if (key === "y" || (key === "z" && event.shiftKey)) { event.preventDefault(); again(); }
});

// -- tools ----------------------------------------------------------------------------------------------------------

function back() { if (state.undo.length) { state.redo.push(copy(state.joints)); changed(state.undo.pop()); } }
function again() { if (state.redo.length) { state.undo.push(copy(state.joints)); changed(state.redo.pop()); } }
function original(on) { state.original = on; draw(on ? state.photograph : bitmap || state.photograph); show(); }
part("undo").addEventListener("click", back);
part("redo").addEventListener("click", again);
part("reset").addEventListener("click", () => { remember(); changed(copy(state.own)); });
part("mirror").addEventListener("click", () => {
  const there = state.joints.filter((row) => row[2]), middle = there.reduce((sum, row) => sum + row[0], 0) / Math.max(1, there.length);
  remember(); changed(state.about.mirror.map((other) => { const [x, y, v] = state.joints[other]; return v ? [2 * middle - x, y, v] : [0, 0, 0]; }));
});
part("original").addEventListener("click", () => original(!state.original));
part("zoom").addEventListener("click", () => zoom(!state.zoomed));
part("skeleton").addEventListener("click", () => { state.skeleton = !state.skeleton; show(); });
part("correct").addEventListener("click", () => (state.correcting ? corrected() : correct(true)));

let arranging = false, arranged = false;
function sliders(build, turn, size) {
  part("build").value = build; part("turn").value = turn; part("size").value = size; labels();
}
function labels() {
  const [build, turn, size] = ["build", "turn", "size"].map((name) => Number(part(name).value));
  part("build-value").textContent = build === 0 ? "as drawn" : build === 100 ? "of the person" : `${build} %`;
  part("turn-value").textContent = `${turn}°`; part("size-value").textContent = `${size} %`;
  part("build").setAttribute("aria-valuetext", part("build-value").textContent);
  part("turn").setAttribute("aria-valuetext", `${turn} degrees`); part("size").setAttribute("aria-valuetext", `${size} percent`);
}
async function arrange() {
  arranged = true;
  if (arranging) return;
  arranging = true;
  try {
    while (arranged) {
      arranged = false;
      const json = { joints: state.base, build: part("build").value / 100, turn: Number(part("turn").value), size: part("size").value / 100 };
      const given = await (await here("arrange", { json })).json();
      changed(given.joints, true);
    }
  } catch (error) { fail(error); } finally { arranging = false; }
}
for (const name of ["build", "turn", "size"]) {
  part(name).addEventListener("pointerdown", remember);
  part(name).addEventListener("keydown", (event) => { if (event.key.startsWith("Arrow") && !event.repeat) remember(); });
  part(name).addEventListener("input", () => { labels(); arrange(); });
}

function taken(joints) { // a pose from elsewhere, with the build of the person until the slider says otherwise
  if (state.correcting) correct(false);
  remember(); state.base = copy(joints); sliders(100, 0, 100); return arrange();
}

// -- what the controls beside the picture call ------------------------------------------------------------------------

const ready = (work) => (...given) => { if (!state.session) { say("Open a photograph first.", true); return; } work(...given); };
async function save(what, name, more = {}) {
  await during("Preparing the file …", async () => {
    const json = { joints: state.joints, model: state.model, background: state.background, what, ...more };
    const ticking = what === "animation" ? setInterval(async () => {
      const { done, of } = await here("progress").then((reply) => reply.json(), () => ({}));
      if (of) say(`Computing the animation: picture ${done} of ${of} …`);
    }, 700) : 0;
    try {
      const reply = await here(what === "animation" ? "animation" : "save", { json });
      const given = decodeURIComponent((reply.headers.get("Content-Disposition") || "").split("''")[1] || name);
      const url = URL.createObjectURL(await reply.blob());
      Object.assign(document.createElement("a"), { href: url, download: given }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
      say(`${given} is saved.`);
    } finally { clearInterval(ticking); }
  });
}
window.repose = {
  state,
  model: (name) => { state.model = name; if (state.session) { say(`${name} computes the picture …`); ask(); } },
  compare: (names) => { state.compared = names || []; compare(); },
  background: (name) => {
    state.background = name;
    if (name === "picture") ready(() => part("backdrop-file").click())(); else if (state.session) ask();
  },
  named: ready((typed) => {
    if (!typed) return;
    const found = state.about.poses.filter((one) => one.toLowerCase().includes(typed.trim().toLowerCase()));
    const name = found.length === 1 ? found[0] : typed; // of several or none the server says which are near
    during(`Taking the pose “${name}” …`, async () => taken((await (await here("named", { json: { name } })).json()).joints));
  }),
  poseFile: ready(() => part("pose-file").click()),
  taken: ready((name) => during("", async () => taken((await (await here("taken", { json: { name } })).json()).joints))),
  save: ready(save),
  animate: ready((motion, format) => save("animation", `animation.${format}`, { motion: motion === "to my pose" ? "" : motion, format })),
};
part("pose-file").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  await during(`Reading the pose of ${file.name} …`, async () => {
    const given = await (await here(`take?name=${encodeURIComponent(file.name)}`, { file })).json();
    await taken(given.joints);
    say(given.note ? sentence(given.note) : `The pose of ${file.name} is taken.`);
    several(given.names);
  });
});
function several(names) {
  const old = element.querySelector(".rp-several");
  if (old) old.remove();
  if (names.length < 2) return;
  const label = document.createElement("label"), select = document.createElement("select");
  label.className = "rp-several"; label.append(`The file has ${names.length} poses: `, select);
  select.append(...names.map((name) => new Option(name, name)));
  select.addEventListener("change", () => window.repose.taken(select.value));
  part("status").after(label);
}
part("backdrop-file").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (file) await during("Taking the background …", async () => { await here(`backdrop?name=${encodeURIComponent(file.name)}`, { file }); say(""); ask(); });
});

// -- files in -------------------------------------------------------------------------------------------------------

part("file").addEventListener("change", (event) => { open(event.target.files[0]); event.target.value = ""; });
part("drop").addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target === part("file")) part("file").click(); });
part("example").addEventListener("click", (event) => {
  event.preventDefault();
  during("Opening the rendered person …", async () => open(new File([await (await call("example")).blob()], "example.webp")));
});
for (const kind of ["dragenter", "dragover"]) element.addEventListener(kind, (event) => { event.preventDefault(); part("drop").classList.add("rp-over"); });
for (const kind of ["dragleave", "drop"]) element.addEventListener(kind, (event) => { event.preventDefault(); part("drop").classList.remove("rp-over"); });
element.addEventListener("drop", (event) => open(event.dataTransfer.files[0]));
document.addEventListener("paste", (event) => { const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/")); if (file) open(file); });
addEventListener("pagehide", (event) => {
  if (state.session && !event.persisted) fetch(new URL("live/" + state.session, document.baseURI), { method: "DELETE", keepalive: true, headers: { "Repose-Page": "1" } });
});

call("start").then((reply) => reply.json()).then((about) => { state.about = about; part("example").hidden = !about.example; build(); element.dataset.ready = "yes"; }).catch(fail);
