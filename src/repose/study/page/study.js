"use strict";

const FIXATION = 500;  // milliseconds of a cross before a timed picture, so that the eyes are in place
const FEEDBACK = 1300; // milliseconds that practice says whether the answer was right
const SOONEST = 100;   // milliseconds before which a press is nobody's answer to what is shown

const $ = id => document.getElementById(id);
const sleep = ms => new Promise(done => setTimeout(done, ms));
const frame = () => new Promise(done => requestAnimationFrame(done));

const nonce = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
const later = status => status >= 500 || status === 429 || status === 408; // of a server or a proxy that is busy

let about;             // what /api/study says
const loaded = new Map(); // key of a trial -> promise of its decoded pictures

// -- talking to the server -------------------------------------------------------------------------------------------

/** A request that is repeated until the server answers; every one of them can be repeated without harm. */
async function call(path, content) {
  const options = content === undefined ? {} :
    { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) };
  for (let wait = 500; ; wait = Math.min(2 * wait, 8000)) {
    let said = "", after = 0;
    try {
      const reply = await fetch(path, options);
      if (!later(reply.status)) {
        const body = await reply.json();
        notice("");
        return { status: reply.status, body };
      }
      after = 1000 * Math.min(60, Number(reply.headers.get("Retry-After")) || 0);
      said = (await reply.json()).error;
    } catch (error) { /* no network, the server is starting again, or a proxy says something of its own */ }
    notice(said ? `${sentence(said)} Your answers so far are safe; trying again …`
      : "The connection is interrupted. Your answers are safe; trying again …");
    await sleep(Math.max(wait, after));
  }
}

const sentence = text => `${text[0].toUpperCase()}${text.slice(1)}.`;

function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

/** The pictures of a trial, fetched and decoded: showing them takes no more time than a frame. */
function load(trial) {
  if (!loaded.has(trial.key)) loaded.set(trial.key, Promise.all(trial.pictures.map(picture)));
  return loaded.get(trial.key);
}

/** One picture, decoded; null if it is not to be had, mostly because it was judged in another tab. */
async function picture(path) {
  for (let wait = 500; ; wait = Math.min(2 * wait, 8000)) {
    try {
      const reply = await fetch(path, { headers: { "Study-Page": "1" } });
      if (reply.ok) {
        const bitmap = await createImageBitmap(await reply.blob());
        notice("");
        return bitmap;
      }
      if (!later(reply.status)) return null;
    } catch (error) { /* again */ }
    notice("The connection is interrupted. Trying again …");
    await sleep(wait);
  }
}

// -- pages of words --------------------------------------------------------------------------------------------------

function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/** Show words and a button; the promise is kept when it is pressed. */
function words(parts, button, focus = true) {
  $("trial").hidden = true;
  const page = $("words");
  page.replaceChildren(...parts);
  page.classList.toggle("wide", parts.some(part => part.className === "examples"));
  page.hidden = false;
  if (!button) return Promise.resolve();
  const pressed = element("button", button);
  page.append(pressed);
  if (focus) pressed.focus({ preventScroll: true });
  scrollTo(0, 0);
  return new Promise(done => pressed.addEventListener("click", () => { pressed.disabled = true; done(); }, { once: true }));
}

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const sets = { pose: "pair of pictures", preference: "comparison" };
const thing = count => about.kind === "pose" ? (count === 1 ? "pair of pictures" : `${count} pairs of pictures`)
  : plural(count, sets[about.kind] || "picture");

function timing(seconds) {
  if (seconds === null) return "There is no time limit: look as long as you like.";
  if (about.unanswered) {
    const counts = about.choices.find(choice => choice.value === about.unanswered).label;
    return `Each is shown for ${plural(seconds, "second")}. Answer within this time; you can change your answer until it is over. ` +
      `Without an answer it counts as “${counts}”.`;
  }
  return `Each is shown for ${plural(seconds, "second")} and then disappears. You can answer while you see it or afterwards.`;
}

const keys = () => {
  const [one, two] = about.choices;
  const typed = matchMedia("(hover: none)").matches ? ""
    : `, or the keys ${one.key.toUpperCase()}\u00a0or\u00a0← and ${two.key.toUpperCase()}\u00a0or\u00a0→`;
  return `Press “${one.label}” or “${two.label}”${typed}.`;
};

function welcome() {
  const list = element("ul");
  list.append(
    ...(about.examples ? [element("li", `First you see ${2 * about.examples} examples and what they are.`)] : []),
    element("li", `You will be asked about ${thing(about.trials)}${about.practice ? `; the first ${about.practice} are practice` : ""}.`),
    element("li", about.seconds.includes(null) && about.seconds.length > 1
      ? `${about.unanswered ? "In the first part that counts" : "First"} each is shown for ${plural(about.seconds[0], "second")}, ` +
        "later without a time limit." : timing(about.seconds[0])),
    element("li", "If you close the page, open it again in this browser: it goes on where you were."),
  );
  return words([
    element("h1", about.title),
    element("p", about.question, "lead"),
    element("p", about.advice),
    list,
    element("p", "Taking part is anonymous and voluntary. Your answers and how long they took are stored under a random number; no " +
      "name, no address and nothing about your device. You can stop at any time by closing the page; an unfinished session " +
      "does not count.", "small"),
  ], "I agree, begin", false);
}

function between(trial, again) {
  const left = trial.of - trial.at + 1;
  const head = again ? "Welcome back" : trial.practice ? "Practice" : trial.stage === "track 0" ? "Now it counts" : "Second part";
  const parts = [element("h1", head)];
  if (trial.practice && !again) {
    parts.push(element("p", `${trial.of} for practice. They do not count${about.truth ? ", and you are told whether you were right" : ""}.`));
  } else {
    parts.push(element("p", `${left} to go in this part.`));
  }
  parts.push(element("p", timing(trial.seconds)), element("p", keys()));
  return words(parts, "Start");
}

function thanks(state) {
  $("bar").hidden = true;
  $("where").textContent = "";
  const parts = [element("h1", "Thank you!")];
  if (state.right !== null) {
    parts.push(element("p", "You recognised", "small"), element("p", `${state.right} of ${state.judged}`, "score"),
      element("p", `pictures for what they are: ${Math.round(100 * state.right / state.judged)} %. Guessing gives about 50 %.`));
  } else {
    parts.push(element("p", `You judged ${thing(state.judged)}.`));
  }
  parts.push(element("p", "Your answers are stored. You can close this page."));
  const another = element("button", "Somebody else begins on this device", "plain");
  another.addEventListener("click", newcomer, { once: true });
  words([...parts, another]);
}

/** Labelled examples, real ones above generated ones, before anything is judged. */
async function examples(state) {
  const [height, width] = about.size;
  const rows = [0, 1].map(kind => {
    const row = element("div", "", "examples"), label = about.choices[kind].label;
    row.append(...Array.from({ length: about.examples }, (_, number) => {
      const figure = element("figure"), canvas = element("canvas");
      [canvas.width, canvas.height] = [width, height];
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `An example: ${label}`);
      picture(`/example/${state.session}/${kind * about.examples + number}`)
        .then(bitmap => bitmap && canvas.getContext("2d").drawImage(bitmap, 0, 0));
      figure.append(canvas, element("figcaption", label));
      return figure;
    }));
    return row;
  });
  await words([
    element("h1", "Examples"),
    element("p", "This is what you will see. Look at them as long as you like; they do not come again."),
    ...rows,
  ], "Go on");
}

// -- one picture -----------------------------------------------------------------------------------------------------

/** Build the places of the pictures; the same for all trials. */
function furnish() {
  const [height, width] = about.size;
  const stage = $("stage");
  const captions = about.shows === 4 ? ["The person", "The pose", about.choices[0].label, about.choices[1].label] : [];
  stage.style.setProperty("--wide", width);
  stage.style.setProperty("--high", height);
  stage.className = { 2: "two", 4: "four" }[about.shows] || "";
  stage.replaceChildren(...Array.from({ length: about.shows }, (_, slot) => {
    const figure = element("figure"), place = element("div", "", "place"), canvas = element("canvas");
    canvas.width = width;
    canvas.height = height;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", captions[slot] || "The picture to judge");
    place.append(canvas);
    figure.append(place);
    if (captions[slot]) figure.append(element("figcaption", captions[slot]));
    return figure;
  }));
  $("question").textContent = about.question;
  $("answers").replaceChildren(...about.choices.map((choice, index) => {
    const button = element("button", choice.label);
    button.append(element("kbd", choice.key.toUpperCase()), element("kbd", index ? "→" : "←"));
    button.dataset.value = choice.value;
    return button;
  }));
}

const visible = () => new Promise(done => {
  if (!document.hidden) return done();
  const look = () => { if (!document.hidden) { document.removeEventListener("visibilitychange", look); done(); } };
  document.addEventListener("visibilitychange", look);
});

/**
 * Show a trial's pictures for their time and wait for the answer.
 *
 * `begun` and `ended` are both the beginning of the frame after a change, so their difference is how long the picture
 * was on the screen. Times are in seconds.
 */
async function judge(trial, bitmaps, told) {
  const stage = $("stage"), buttons = [...$("answers").children];
  const draw = () => stage.querySelectorAll("canvas").forEach((canvas, slot) => canvas.getContext("2d").drawImage(bitmaps[slot], 0, 0));
  stage.classList.remove("shown", "fixed");
  $("said").textContent = "";
  $("said").className = "";
  buttons.forEach(button => { button.disabled = true; button.classList.remove("chosen"); });
  if (told) $("said").textContent = told;
  await visible();
  if (trial.seconds !== null) {
    stage.classList.add("fixed");
    do { await visible(); await sleep(FIXATION); } while (document.hidden);
  }
  draw();
  await frame();
  stage.classList.remove("fixed");
  stage.classList.add("shown");
  const begun = await frame();
  // a nonce of this showing, so that repeating a request whose reply was lost changes nothing
  const shown = { key: trial.key, showing: nonce() };
  const started = call("/api/start", shown).then(() => (performance.now() - begun) / 1000);
  const whole = about.unanswered !== "" && trial.seconds !== null; // stays for its time, whenever the answer comes
  let hidden = document.hidden, ended = null;
  let over = () => {}; // called when the picture's time is over, where an answer must have come until then
  buttons.forEach(button => { button.disabled = false; });

  const end = now => {
    if (ended !== null) return;
    ended = now;
    stage.classList.remove("shown");
    call("/api/end", shown);
  };
  const away = () => { if (document.hidden && ended === null) { hidden = true; if (trial.seconds !== null) end(performance.now()); } };
  document.addEventListener("visibilitychange", away);
  if (trial.seconds !== null) {
    (async () => {
      let last = begun;
      for (;;) {
        const now = await frame();
        if (ended !== null && !whole) return;
        // half a frame early is nearer to the time than half a frame late
        if (now - begun >= 1000 * trial.seconds - (now - last) / 2) {
          stage.classList.remove("shown");
          const gone = await frame();
          if (ended === null) end(gone);
          if (whole) over();
          return;
        }
        last = now;
      }
    })();
  }

  let choice = "", answered = null;
  await new Promise(done => {
    const finish = () => {
      removeEventListener("keydown", typed);
      buttons.forEach(button => { button.disabled = true; button.onclick = null; });
      done();
    };
    const given = value => {
      const now = performance.now();
      if (whole && (now - begun < SOONEST || ended !== null)) return;
      [choice, answered] = [value, now];
      buttons.forEach(button => { button.classList.toggle("chosen", button.dataset.value === value); });
      if (!whole) finish();
    };
    over = finish;
    const typed = event => {
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      const found = about.choices.findIndex((choice, index) =>
        event.key.toLowerCase() === choice.key || event.key === (index ? "ArrowRight" : "ArrowLeft"));
      if (found < 0) return;
      event.preventDefault();
      given(about.choices[found].value);
    };
    addEventListener("keydown", typed);
    buttons.forEach(button => { button.onclick = () => given(button.dataset.value); });
  });
  document.removeEventListener("visibilitychange", away);
  if (answered === null) answered = ended;
  if (trial.seconds !== null) end(answered);
  const delay = await started; // the server must know that it was shown before it is judged
  return {
    key: trial.key, choice, hidden, delay,
    exposure: ((ended === null ? answered : ended) - begun) / 1000, reaction: (answered - begun) / 1000,
  };
}

// -- a session -------------------------------------------------------------------------------------------------------

async function begin() {
  const { body } = await call("/api/begin", { nonce: nonce() });
  history.replaceState(null, "", `/s/${body.session}`);
  return body;
}

async function run(state, again = false) {
  let stage = null, told = "";
  while (!state.finished) {
    const trial = state.trial;
    $("bar").hidden = false;
    $("bar").value = state.done / state.of;
    if (stage !== trial.stage || again) {
      load(trial);
      $("where").textContent = "";
      if (about.examples && state.done === 0) await examples(state);
      await between(trial, again);
      [stage, again] = [trial.stage, false];
    }
    $("words").hidden = true;
    $("trial").hidden = false;
    $("where").textContent = `${trial.practice ? "Practice, " : ""}${trial.at} of ${trial.of}`;
    const bitmaps = await load(trial);
    if (state.next) load(state.next);
    if (bitmaps.includes(null)) {
      loaded.delete(trial.key);
      await sleep(1000); // whatever refused it, not at once again
      state = (await call(`/api/state?session=${state.session}`)).body;
      continue;
    }
    const given = await judge(trial, bitmaps, told);
    const { status, body } = await call("/api/answer", given);
    told = "";
    if (status === 425) { told = "That was too quick to look. Once more, please."; continue; }
    loaded.delete(trial.key);
    if (status !== 200) { state = (await call(`/api/state?session=${state.session}`)).body; continue; }
    if (body.right !== undefined) {
      $("said").textContent = `${body.right ? "Right" : "Wrong"}: this one is ${body.truth}.`;
      $("said").className = body.right ? "right" : "wrong";
      $("stage").classList.add("shown");
      await sleep(FEEDBACK);
    }
    state = body.state;
  }
  thanks(state);
}

async function newcomer() {
  history.replaceState(null, "", "/");
  await welcome();
  await run(await begin());
}

async function main() {
  about = (await call("/api/study")).body;
  document.title = about.title;
  furnish();
  const token = location.pathname.startsWith("/s/") ? location.pathname.slice(3) : "";
  const { status, body } = await call(`/api/state?session=${encodeURIComponent(token)}`);
  if (status !== 200 || body.new) {
    await newcomer();
  } else {
    history.replaceState(null, "", `/s/${body.session}`);
    await run(body, true);
  }
}

main();
