// A question, and where it is answered: a slider, or a choice of several answers.
// The answer is null until the learner has given one, by mouse or by keys.

const NONE = "no guess yet";

export function mount(root, model) {
  const choices = model.get("choices");
  const says = model.get("says");
  const said = element("output", { "aria-live": "off" }); // the slider has said it
  const field = choices.length ? chosen(model, choices) : slid(model);
  const box = element("form", { class: "zmqlab-field" }, field.box, said);
  box.classList.toggle("line", !says);
  box.addEventListener("submit", (event) => event.preventDefault());

  function show() {
    const answer = model.get("answer");
    field.show(answer);
    box.classList.toggle("open", answer === null);
    const told = answer === null ? `${NONE}: ${field.how}` : text(answer);
    said.textContent = says ? `${says}: ${told}` : told;
  }

  // JupyterLab would take the arrow keys, unless the very element that has the focus forbids it;
  // Shift+Enter stays with it and runs the cell.
  const keys = (event) => {
    if (box.contains(event.target)) {
      const other = event.shiftKey || event.ctrlKey || event.altKey || event.metaKey;
      event.target.toggleAttribute("data-lm-suppress-shortcuts", !other);
    }
  };
  window.addEventListener("keydown", keys, true);
  model.on("change:answer", show);
  show();
  root.append(box);
  return () => {
    window.removeEventListener("keydown", keys, true);
    model.off("change:answer", show);
  };
}

function slid(model) {
  const [min, max, step] = ["low", "high", "step"].map((name) => model.get(name));
  const slider = element("input", { type: "range", min, max, step });
  const question = element("span", { class: "question" }, model.get("question"));
  const ends = element("span", { class: "ends", "aria-hidden": "true" });
  ends.append(element("span", {}, text(min)), element("span", {}, text(max)));
  const answered = () => give(model, Number(slider.value));
  slider.addEventListener("input", answered);
  slider.addEventListener("pointerup", answered); // a click where it stands is no input
  return {
    box: element("div", {}, element("label", {}, question, slider), ends),
    how: "click on the line, or press an arrow key",
    show(answer) {
      slider.value = answer ?? model.get("start");
      slider.setAttribute("aria-valuetext", answer === null ? NONE : text(answer));
    },
  };
}

function chosen(model, choices) {
  const buttons = choices.map((value) => element("input", { type: "radio", name: "answer", value }));
  const lines = buttons.map((button) => element("label", {}, button, ` ${button.value}`));
  const question = element("legend", { class: "question" }, model.get("question"));
  for (const button of buttons) {
    button.addEventListener("change", () => give(model, button.value));
  }
  return {
    box: element("fieldset", {}, question, ...lines),
    how: "choose an answer",
    show(answer) {
      for (const button of buttons) {
        button.checked = button.value === answer;
      }
    },
  };
}

function give(model, answer) {
  model.set("answer", answer);
  model.save_changes();
}

function text(answer) {
  if (typeof answer !== "number") {
    return answer;
  }
  const digits = Math.abs(answer) >= 100 ? answer.toFixed(0) : answer.toPrecision(3);
  return Number(digits).toLocaleString("en", { maximumFractionDigits: 20 });
}

function element(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...content);
  return made;
}

export default {
  render({ model, el }) {
    return mount(el, model);
  },
};
