// Where locations are, on the outlines of the land (Natural Earth): no map server is asked.
"use strict";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

async function withLand(element) {
  const map = L.map(element, { worldCopyJump: true, preferCanvas: true, zoomControl: true, maxZoom: 12, minZoom: 1 });
  map.attributionControl.setPrefix(false);
  map.attributionControl.addAttribution("Land: Natural Earth");
  map.setView([50, 10], 4); // Leaflet cannot draw on a canvas before it knows where it looks.
  const land = await (await fetch(element.dataset.land)).json();
  L.geoJSON(topojson.feature(land, land.objects.land), {
    interactive: false,
    style: { color: colour("--shore"), weight: 1, fillColor: colour("--land"), fillOpacity: 1 },
  }).addTo(map);
  return map;
}

function spot(at, tone) {
  return L.circleMarker(at, { radius: 6, weight: 1.5, color: colour("--sea"), fillColor: colour(tone), fillOpacity: 0.95 });
}

// Text of partners is put in as text, never as markup.
function told(one) {
  const text = document.createElement("div");
  const link = document.createElement("a");
  link.href = "/console/locations/" + one.path.map(encodeURIComponent).join("/");
  link.textContent = one.name;
  text.append(link, document.createElement("br"), `${one.owner}: ${one.free} of ${one.evses} free`);
  return text;
}

async function showList(element) {
  const map = await withLand(element);
  const { total, locations } = await (await fetch(element.dataset.map)).json();
  for (const one of locations) {
    spot(one.at, one.broken ? "--bad" : one.free ? "--good" : "--busy").bindPopup(told(one)).addTo(map);
  }
  if (locations.length) map.fitBounds(L.latLngBounds(locations.map((one) => one.at)).pad(0.3), { maxZoom: 8, animate: false });
  const note = document.querySelector(".map-note");
  if (note && total > locations.length) note.textContent = `The map shows the newest ${locations.length} of ${total}.`;
}

async function showSpot(element) {
  const at = element.dataset.spot.split(",").map(Number);
  const map = await withLand(element);
  spot(at, "--good").addTo(map);
  map.setView(at, 7, { animate: false });
}

document.querySelectorAll("[data-map]").forEach(showList);
document.querySelectorAll("[data-spot]").forEach(showSpot);
