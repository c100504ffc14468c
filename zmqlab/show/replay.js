// Plays a recorded journal: frames that move between the participants, one hop at a step.
// `mount(element, score)` draws the player; the score is what Replay.score() gives. At position n
// the first n hops have happened; a message that was sent and not yet received waits at its
// receiver's socket.

const SVG = "http://www.w3.org/2000/svg";
const NODE = [100, 190]; // how wide a participant is, in pixels: at least, and where there is room
const GAP = [64, 200]; // and how far it stands from the next
const WORDS = 120; // a gap with room for words
const LINE = 24;
const BETWEEN = 24; // room for a message above each participant
const ABOVE = 22;
const SPEEDS = [0.5, 1, 2, 4, 8, 16, 32]; // hops a second

export function mount(root, score) {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const view = build(root, score);
  let at = Math.min(score.begin, score.steps.length);
  let speed = 1; // of SPEEDS
  let playing = false;
  let timer = 0;
  let frame = 0;

  function go(target, moving = false) {
    at = Math.max(0, Math.min(score.steps.length, target));
    cancelAnimationFrame(frame);
    view.show(at, speed);
    const duration = Math.min(500, 800 / SPEEDS[speed]);
    if (moving && at > 0 && !still.matches) {
      animate(duration);
    }
  }

  function animate(duration) {
    const began = performance.now();
    const next = (now) => {
      const part = Math.min(1, (now - began) / duration);
      view.move(at, part);
      if (part < 1) {
        frame = requestAnimationFrame(next);
      }
    };
    frame = requestAnimationFrame(next);
  }

  function play(on) {
    playing = on && score.steps.length > 0;
    view.playing(playing);
    clearTimeout(timer);
    if (playing) {
      if (at === score.steps.length) {
        go(0);
      }
      timer = setTimeout(tick, 0);
    }
  }

  function tick() {
    go(at + 1, true);
    if (at === score.steps.length) {
      play(false);
    } else {
      timer = setTimeout(tick, 1000 / SPEEDS[speed]);
    }
  }

  function step(target) {
    play(false);
    go(target, target === at + 1);
  }

  function inStory(way) {
    const now = Math.max(0, at - 1);
    const mine = score.steps[now]?.story;
    for (let n = now + way; n >= 0 && n < score.steps.length; n += way) {
      if (score.steps[n].story === mine) {
        step(n + 1);
        return;
      }
    }
  }

  function faster(way) {
    speed = Math.max(0, Math.min(SPEEDS.length - 1, speed + way));
    view.show(at, speed);
  }

  const keys = {
    ArrowRight: () => step(at + 1),
    ArrowLeft: () => step(at - 1),
    ArrowDown: () => inStory(1),
    ArrowUp: () => inStory(-1),
    Home: () => step(0),
    End: () => step(score.steps.length),
    " ": () => play(!playing),
    "+": () => faster(1),
    "-": () => faster(-1),
  };
  root.addEventListener("keydown", (event) => {
    const { tagName } = event.target;
    const own = tagName === "INPUT" || (tagName === "BUTTON" && event.key === " ");
    if (own || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });
  view.on({
    first: () => step(0),
    back: () => step(at - 1),
    play: () => play(!playing),
    forward: () => step(at + 1),
    last: () => step(score.steps.length),
    seek: step,
    speed: (value) => faster(value - speed),
  });
  go(at);
  return () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    view.end();
  };
}

// What is on the page: `show` draws a position, `move` a hop on its way, `on` takes the actions.
function build(root, score) {
  root.classList.add("zmqlab-replay");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Replay: ${score.title}`);
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab's keys are not for the player
  const button = (label, text, kind = "") =>
    element("button", { type: "button", "aria-label": label, title: label, class: kind }, text);
  const first = button("To the beginning", "|◀");
  const back = button("Step back", "◀ Back");
  const play = button("Play", "▶ Play", "play");
  const forward = button("Step forward", "Step ▶");
  const last = button("To the end", "▶|");
  const seek = element("input", { type: "range", min: 0, max: score.steps.length, step: 1 });
  const speed = element("input", { type: "range", min: 0, max: SPEEDS.length - 1, step: 1 });
  const rate = element("span", {});
  const place = element("div", { class: "stage" });
  let stage;
  let shown = 0;
  // Drawn for the room that there is, not made smaller: who zooms in wants larger letters.
  const fit = () => {
    const focused = place.contains(document.activeElement);
    stage = draw(score, place.clientWidth || Infinity);
    place.replaceChildren(stage.svg);
    stage.show(shown);
    if (focused) {
      stage.svg.focus();
    }
  };
  const watching = new ResizeObserver(fit);
  const said = element("p", { class: "said", role: "status" });
  const way = element("div", { class: "way" });
  root.replaceChildren(
    element("p", { class: "title" }, score.title),
    element("div", { class: "bar", role: "toolbar", "aria-label": "Player" }, [
      first,
      back,
      play,
      forward,
      last,
      element("label", { class: "when" }, [element("span", {}, "Hop"), seek]),
      element("label", {}, [element("span", {}, "Speed"), speed, rate]),
    ]),
    place,
    said,
    way,
    keysHelp(score),
  );
  fit();
  watching.observe(place);
  let actions = {};

  function show(at, speedNow) {
    const now = at > 0 ? score.steps[at - 1] : null;
    seek.value = at;
    speed.value = speedNow;
    rate.textContent = `${SPEEDS[speedNow]} ${SPEEDS[speedNow] === 1 ? "hop" : "hops"} a second`;
    speed.setAttribute("aria-valuetext", rate.textContent);
    const sentence = tell(score, at);
    seek.setAttribute("aria-valuetext", sentence);
    said.textContent = sentence;
    shown = at;
    stage.show(at);
    const story = (now ?? score.steps[0])?.story;
    const focused = way.contains(document.activeElement) ? document.activeElement.dataset.at : null;
    way.replaceChildren(opened(score, story, at, (target) => actions.seek(target)));
    if (focused) {
      way.querySelector(`[data-at="${focused}"]`)?.focus();
    }
  }

  return {
    show,
    move: (at, part) => stage.move(at, part),
    end: () => watching.disconnect(),
    playing(on) {
      play.textContent = on ? "❚❚ Pause" : "▶ Play";
      play.setAttribute("aria-label", on ? "Pause" : "Play");
      play.title = on ? "Pause" : "Play";
      said.setAttribute("aria-live", on ? "off" : "polite"); // no flood of words while it plays
    },
    on(given) {
      actions = given;
      first.onclick = given.first;
      back.onclick = given.back;
      play.onclick = given.play;
      forward.onclick = given.forward;
      last.onclick = given.last;
      seek.oninput = () => given.seek(Number(seek.value));
      speed.oninput = () => given.speed(Number(speed.value));
    },
  };
}

// ---------------------------------------------------------------- words

function tell(score, at) {
  if (at === 0) {
    return `Before the first of ${score.steps.length} hops.`;
  }
  const step = score.steps[at - 1];
  const waiting = queued(score, at).filter((w) => w.socket === step.into).length;
  const shown = step.frames.map((f) => (f.role === "address" ? "@" : "") + f.text).join(" | ");
  const queue =
    step.way === "sent"
      ? step.into === null
        ? "Its receipt is not recorded."
        : `Waiting there: ${waiting}.`
      : `Still waiting there: ${waiting}.`;
  const direction = step.way === "sent" ? `sent to ${step.to}` : `received from ${step.from}`;
  return (
    `Hop ${at} of ${score.steps.length}, ${step.ms.toFixed(2)} ms: ` +
    `${step.who}'s ${kind(score, step.socket)} ${direction}: ${shown}. ${queue}`
  );
}

function kind(score, number) {
  return score.sockets.find((socket) => socket.number === number)?.kind ?? "";
}

function keysHelp(score) {
  const help = element("p", { class: "keys" });
  const pairs = [
    ["←", "→", "step"],
    ["↑", "↓", "along this message's way"],
    ["Space", "play or pause"],
    ["+", "−", "speed"],
    ["Home", "End", "ends"],
  ];
  help.append("Keys: ");
  pairs.forEach((words, n) => {
    const meaning = words.pop();
    words.forEach((key) => help.append(element("kbd", {}, key), " "));
    help.append(meaning + (n < pairs.length - 1 ? ", " : "."));
  });
  help.append(" On its way a message shows what travels; below, what each program gave or got.");
  if (score.left_out) {
    help.append(` The ${score.left_out} hops after these are left out.`);
  }
  return help;
}

// The frames of one message's story, as each program saw them at its socket.
function opened(score, story, at, seek) {
  const rows = score.steps
    .map((step, n) => ({ step, n: n + 1 }))
    .filter(({ step }) => step.story === story)
    .map(({ step, n }) => row(score, step, n, at, seek));
  const heading = ["State", "Hop", "ms", "Seen at", "Way", "Frames"].map((text) =>
    element("th", { scope: "col" }, text),
  );
  return element("table", {}, [
    element("caption", {}, "The way of this message, as each program saw it at its socket"),
    element("thead", {}, [element("tr", {}, heading)]),
    element("tbody", {}, rows),
  ]);
}

function row(score, step, n, at, seek) {
  const mark = n === at ? "▶ now" : n < at ? "✓ done" : "later";
  const jump = element("button", { type: "button", "data-at": n, "aria-label": `To hop ${n}` }, `${n}`);
  jump.onclick = () => seek(n);
  const boxes = step.frames.map((f) =>
    element("span", { class: `box ${f.role}` }, [element("small", {}, f.role), f.text]),
  );
  const cells = [
    mark,
    [jump],
    step.ms.toFixed(2),
    `${step.who}'s ${kind(score, step.socket)}`,
    step.way,
    [element("span", { class: "boxes" }, boxes)],
  ];
  return element(
    "tr",
    n === at ? { "aria-current": "step" } : {},
    cells.map((cell) => element("td", {}, cell)),
  );
}

// ---------------------------------------------------------------- the stage

// Messages that were sent and are not yet received after `at` hops, oldest first.
function queued(score, at) {
  const found = new Map();
  for (const step of score.steps.slice(0, at)) {
    if (step.way === "sent") {
      found.set(step.message, { message: step.message, socket: step.into, to: step.to });
    } else {
      found.delete(step.message);
    }
  }
  return [...found.values()];
}

function draw(score, room) {
  const { nodes, width, height } = places(score, room);
  const svg = shape("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    tabindex: 0,
    "aria-label": `Stage with ${score.participants.map((p) => p.name).join(", ")}`,
  });
  const links = new Map();
  const edges = shape("g", {});
  for (const step of score.steps) {
    const name = linkName(step);
    if (!links.has(name)) {
      const [a, b] = [nodes.get(step.from), nodes.get(step.to)];
      const line = shape("path", { class: "link", d: curve(a, b) });
      links.set(name, line);
      edges.append(line);
    }
  }
  svg.append(edges);
  for (const node of nodes.values()) {
    svg.append(node.drawn);
  }
  const flying = shape("g", {});
  svg.append(flying);

  function show(at) {
    const now = at > 0 ? score.steps[at - 1] : null;
    const waiting = queued(score, at);
    for (const [name, node] of nodes) {
      node.drawn.classList.toggle("acting", now?.who === name);
      for (const door of node.doors) {
        fill(door, waiting.filter((w) => w.to === name && w.socket === door.socket).length);
      }
    }
    for (const [name, line] of links) {
      line.classList.toggle("acting", now !== null && linkName(now) === name);
    }
    flying.replaceChildren();
    if (now) {
      flying.append(token(now));
      move(at, 1);
    }
  }

  // The frames of hop `at`: a sent message flies from its sender to the queue before its
  // receiver, a received one from the queue into the program.
  function move(at, part) {
    const step = score.steps[at - 1];
    const drawn = flying.firstChild;
    if (!step || !drawn) {
      return;
    }
    const [from, to] = [nodes.get(step.from), nodes.get(step.to)];
    const door = doorOf(to, step.into);
    const size = Number(drawn.dataset.width);
    const queue = door.words
      ? { x: door.x + door.side * 60, y: door.y - 10 - ABOVE }
      : { x: door.x - (door.side * size) / 2, y: to.y - ABOVE }; // no room beside: above it
    const [start, end] = step.way === "sent" ? [over(from), queue] : [queue, over(to)];
    const ease = part * part * (3 - 2 * part);
    const x = start.x + (end.x - start.x) * ease - size / 2;
    const y = start.y + (end.y - start.y) * ease;
    const left = Math.max(2, Math.min(width - size - 2, x));
    drawn.setAttribute("transform", `translate(${left} ${Math.max(1, y)})`);
  }

  return { svg, show, move };
}

function linkName(step) {
  return [step.from, step.to].sort().join("\n");
}

// Where everybody stands: columns from left to right, each centred.
function places(score, room) {
  const columns = [];
  for (const participant of score.participants) {
    (columns[participant.column] ??= []).push(participant);
  }
  const gaps = columns.length - 1;
  const wide = between(NODE, (room - 20 - gaps * WORDS) / columns.length);
  const gap = between(GAP, (room - 20 - columns.length * wide) / Math.max(1, gaps));
  const sizes = columns.map((column) => column.map((p) => tall(score, p, wide)));
  const heights = sizes.map((s) => s.reduce((sum, h) => sum + h + BETWEEN, 0));
  const height = Math.max(60, ...heights) + 8;
  const nodes = new Map();
  columns.forEach((column, c) => {
    let y = (height - heights[c]) / 2 + BETWEEN;
    column.forEach((participant, r) => {
      const node = { x: 10 + c * (wide + gap), y, wide, tall: sizes[c][r], words: gap >= WORDS };
      nodes.set(participant.name, { ...node, ...box(score, participant, node) });
      y += sizes[c][r] + BETWEEN;
    });
  });
  return { nodes, width: 20 + columns.length * wide + gaps * gap, height };
}

function between([least, most], size) {
  return Math.floor(Math.max(least, Math.min(most, size)));
}

function socketsOf(score, participant) {
  const own = score.sockets.filter((socket) => socket.who === participant.name);
  return own.length ? own : [{ number: null, kind: "" }];
}

function tall(score, participant, wide) {
  const lines = socketsOf(score, participant).length;
  return LINE * (isInOneLine(lines, wide) ? 1 : lines + 1) + 6;
}

function isInOneLine(lines, wide) {
  return lines === 1 && wide > 150;
}

// A participant: its name, a line for each of its sockets, and outside, before each, its queue.
function box(score, participant, { x, y, wide, tall: height, words }) {
  const drawn = shape("g", { class: "node" });
  const name = shortened(participant.name, Math.floor((wide - 20) / 8));
  drawn.append(
    shape("rect", { x, y, width: wide, height, rx: 6, class: "edge" }),
    shape("rect", { x, y, width: 8, height, rx: 4, style: `fill:${participant.color}` }),
    shape("text", { x: x + 16, y: y + 20, class: "name" }, name),
    shape("title", {}, participant.name),
  );
  const sockets = socketsOf(score, participant);
  const doors = sockets.map((socket, n) => {
    const inLine = isInOneLine(sockets.length, wide);
    const text = y + 20 + (inLine ? 0 : LINE * (n + 1));
    const [at, anchor] = inLine ? [x + wide - 10, "end"] : [x + 16, "start"];
    const side = sideOf(score, participant, socket.number);
    const queue = shape("g", {});
    drawn.append(shape("text", { x: at, y: text, "text-anchor": anchor }, socket.kind), queue);
    const before = side < 0 ? x - 6 : x + wide + 6;
    return { socket: socket.number, queue, side, x: before, y: text - 4, words };
  });
  return { drawn, doors };
}

// On which side of a participant the messages for this socket come in: -1 left, 1 right.
function sideOf(score, participant, socket) {
  const column = (name) => score.participants.find((p) => p.name === name).column;
  const into = score.steps.find((s) => s.to === participant.name && s.into === socket);
  return into && column(into.from) > participant.column ? 1 : -1;
}

// The queue before a socket: a mark for each message, up to a few, and how many they are.
function fill({ queue, side, x, y, words }, n) {
  const marks = Array.from({ length: Math.min(n, words ? 6 : 3) }, (_, i) =>
    shape("rect", { class: "waiting", x: x + side * 8 * i - 3, y: y - 7, width: 5, height: 14 }),
  );
  const beyond = x + side * (8 * marks.length + 4);
  const anchor = side < 0 ? "end" : "start";
  const place = { x: beyond, y: y + 5, "text-anchor": anchor, class: "count" };
  const count = shape("text", place, words ? `${n} waiting` : `${n}`);
  queue.replaceChildren(...(n ? [...marks, count] : []));
}

function doorOf(node, socket) {
  return node.doors.find((door) => door.socket === socket) ?? node.doors[0];
}

function over(node) {
  return { x: node.x + node.wide / 2, y: node.y - ABOVE };
}

function curve(a, b) {
  const [left, right] = a.x <= b.x ? [a, b] : [b, a];
  const [y1, y2] = [left.y + left.tall / 2, right.y + right.tall / 2];
  if (left.x === right.x) {
    const x = left.x + left.wide;
    return `M ${x} ${y1} C ${x + 60} ${y1} ${x + 60} ${y2} ${x} ${y2}`;
  }
  return `M ${left.x + left.wide} ${y1} L ${right.x} ${y2}`;
}

// A message in flight: a box for each frame, told apart by its outline and what it says. After
// its sending it shows what travels, after its receipt what the program got.
function token(step) {
  const drawn = shape("g", {});
  const frames = step.flying ?? step.frames;
  let x = 0;
  for (const frame of frames.slice(0, 6)) {
    const text = (frame.role === "address" ? "@" : "") + shortened(frame.text, 10);
    const width = 7.3 * text.length + 10;
    const one = shape("g", { class: `frame ${frame.role}` });
    one.append(
      shape("rect", { x, y: 0, width, height: 20, rx: frame.role === "address" ? 9 : 1 }),
      shape("text", { x: x + 5, y: 14 }, text),
    );
    drawn.append(one);
    x += width + 3;
  }
  if (frames.length > 6) {
    drawn.append(shape("text", { x, y: 14 }, "…"));
    x += 14;
  }
  drawn.dataset.width = x;
  return drawn;
}

// ---------------------------------------------------------------- small things

function shortened(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function element(name, attributes, content = []) {
  const made = document.createElement(name);
  return dressed(made, attributes, content);
}

function shape(name, attributes, content = []) {
  return dressed(document.createElementNS(SVG, name), attributes, content);
}

function dressed(made, attributes, content) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== "") {
      made.setAttribute(key, value);
    }
  }
  made.append(...(Array.isArray(content) ? content : [content]));
  return made;
}

export default {
  render({ model, el }) {
    return mount(el, model.get("score"));
  },
};
