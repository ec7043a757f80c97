// Plots of numbers over time; each asks for its data again while the page is looked at.
"use strict";

const COLOURS = ["#0b9a63", "#3f7fd6", "#d9822b", "#b0499a", "#7a8a1c", "#c0443c", "#2ba3b3", "#8464c9"];
const AGAIN_MS = 10000;
const HEIGHT = 200; // without the legend, which needs more lines on a phone

function moment(at, step) {
  const [day, time] = new Date(at * 1000).toISOString().split("T");
  return step < 86400 ? time.slice(0, 5) : day.slice(5);
}

function drawn(element, data) {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--pico-muted-color");
  const lines = style.getPropertyValue("--pico-muted-border-color");
  const axis = { stroke: ink, grid: { stroke: lines, width: 1 }, ticks: { stroke: lines, width: 1 } };
  return new uPlot(
    {
      width: element.clientWidth,
      height: HEIGHT,
      scales: { y: { range: (_plot, _least, most) => [0, Math.max(4, most * 1.1)] } },
      series: [
        { label: "UTC", value: (_plot, at) => (at == null ? "–" : `${moment(at, 86400)} ${moment(at, 0)}`) },
        ...data.lines.map((line, i) => ({
          label: line.name,
          stroke: COLOURS[i % COLOURS.length],
          fill: COLOURS[i % COLOURS.length] + "22",
          width: 2,
          points: { show: false },
        })),
      ],
      axes: [
        { ...axis, values: (_plot, ticks, _axis, _space, step) => ticks.map((at) => moment(at, step)) },
        { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000] },
      ],
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
    },
    [data.at, ...data.lines.map((line) => line.values)],
    element,
  );
}

async function follow(element) {
  let plot = null;
  const show = async () => {
    if (document.hidden) return;
    const answer = await fetch(element.dataset.plot);
    if (!answer.ok) return;
    const data = await answer.json();
    if (plot) plot.destroy();
    plot = drawn(element, data);
  };
  await show();
  setInterval(show, AGAIN_MS);
  new ResizeObserver(() => plot && plot.setSize({ width: element.clientWidth, height: HEIGHT })).observe(element);
}

document.querySelectorAll("[data-plot]").forEach(follow);
