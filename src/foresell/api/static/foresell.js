/* Foresell: events of a shop's pages. No other host is asked, no cookie is set.

   <script src="https://SERVER/v1/foresell.js" data-key="fs_…" data-server="https://SERVER" async></script>
   foresell("view_item", {product_id: "p4", price: 9.9, currency: "EUR"});
   foresell.identify("c17");

   The key needs the scope events:write and no other: everybody can read it in the page. What could not be sent
   waits in the browser, and is sent again; each event has an id, so that it counts once. */
(function () {
  "use strict";
  if (window.foresell && window.foresell.isReady) return;
  var script = document.currentScript || {dataset: {}};
  var server = script.dataset.server || new URL(script.src || "/", location.href).origin;
  var key = script.dataset.key || "";
  var WAITING = "foresell.waiting", VISITOR = "foresell.visitor", CUSTOMER = "foresell.customer";
  var MOST_WAITING = 500, BATCH = 50, PAUSE = 1000, SESSION = 30 * 60 * 1000;
  var timer = null, blockedUntil = 0, isSending = false;

  function kept(store, name) {
    try { return store.getItem(name); } catch (error) { return null; }
  }
  function keep(store, name, value) {
    try {
      if (value === null) store.removeItem(name); else store.setItem(name, value);
    } catch (error) { /* private windows keep nothing */ }
  }
  function id() {
    if (window.crypto && crypto.randomUUID) return crypto.randomUUID();
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, function (b) { return b.toString(16).padStart(2, "0"); }).join("");
  }
  function lasting(store, name) {
    var found = kept(store, name) || id();
    keep(store, name, found);
    return found;
  }
  var memory = [];
  function waiting() {
    try { return JSON.parse(kept(localStorage, WAITING)) || memory; } catch (error) { return memory; }
  }
  function setWaiting(events) {
    memory = events.slice(-MOST_WAITING);
    keep(localStorage, WAITING, JSON.stringify(memory));
  }
  function session() {
    var now = Date.now(), found = (kept(sessionStorage, "foresell.session") || "").split(" ");
    var name = found[1] && now - Number(found[1]) < SESSION ? found[0] : id();
    keep(sessionStorage, "foresell.session", name + " " + now);
    return name;
  }
  function track(name, properties) {
    var event = Object.assign({
      event_id: id(), event_name: name, occurred_at: new Date().toISOString(),
      anonymous_id: lasting(localStorage, VISITOR), session_id: session(),
      customer_id: kept(localStorage, CUSTOMER) || undefined,
      page_url: location.origin + location.pathname, referrer: document.referrer.split("?")[0] || undefined
    }, properties || {});
    setWaiting(waiting().concat([event]));
    if (timer === null) timer = setTimeout(send, PAUSE);
    return event.event_id;
  }
  function later(milliseconds) {
    blockedUntil = Date.now() + milliseconds;
    if (timer === null) timer = setTimeout(send, milliseconds);
  }
  function send() {
    timer = null;
    var batch = waiting().slice(0, BATCH);
    if (!batch.length || isSending || Date.now() < blockedUntil) return;
    isSending = true;
    var sent = {};
    batch.forEach(function (one) { sent[one.event_id] = true; });
    fetch(server + "/v1/events", {
      method: "POST", keepalive: true, credentials: "omit",
      headers: {"Content-Type": "application/json", "Authorization": "Bearer " + key},
      body: JSON.stringify({events: batch})
    }).then(function (answer) {
      isSending = false;
      if (answer.status === 429 || answer.status >= 500) {
        later(1000 * (Number(answer.headers.get("Retry-After")) || 10));
        return;
      }
      setWaiting(waiting().filter(function (one) { return !sent[one.event_id]; }));
      if (waiting().length) later(0);
    }, function () {
      isSending = false;
      later(10000);
    });
  }
  track.identify = function (customer) {
    keep(localStorage, CUSTOMER, customer === null ? null : String(customer));
    if (customer !== null) track("login");
  };
  track.isReady = true;
  var early = (window.foresell && window.foresell.q) || [];
  window.foresell = track;
  early.forEach(function (call) { track.apply(null, call); });
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "hidden") send();
  });
  if (waiting().length) later(0);
})();
