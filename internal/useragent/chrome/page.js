// What rely does inside a page, in a world of its own that the page's scripts
// cannot reach. It reads and acts; what to do is decided elsewhere.
(function (what, a) {
  const held = globalThis.relyHeld || (globalThis.relyHeld = { elements: [] });
  const void_ = new Set(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]);
  const skipped = new Set(["style", "template", "noscript", "svg", "canvas", "iframe", "frame", "object", "video", "audio"]);
  const kept = ["id", "name", "class", "role", "for", "action", "method", "enctype", "formaction", "formmethod", "formenctype",
    "href", "aria-label", "title", "placeholder", "alt", "autocomplete", "maxlength", "required", "readonly", "multiple", "http-equiv", "content"];
  const escaped = (s) => String(s).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const most = 1 << 20;

  // shown: laid out, and not made invisible.
  function shown(e) {
    if (!e.checkVisibility || !e.checkVisibility()) return false;
    return getComputedStyle(e).visibility === "visible";
  }

  function read() {
    watch();
    let out = "", loose = false, texts = 0;
    const forms = new Map(), elements = [];
    const formID = (f) => {
      if (!forms.has(f)) forms.set(f, f.id && document.querySelectorAll("form#" + CSS.escape(f.id)).length === 1 ? f.id : "rely-form-" + forms.size);
      return forms.get(f);
    };
    // presses reports what works as a button without being one.
    const presses = (e, tag) => tag === "button" || tag === "input" && /^(submit|button|image)$/.test(e.type) || e.getAttribute("role") === "button" ||
      tag === "a" && (!e.hasAttribute("href") || /^(#|javascript:)/.test(e.getAttribute("href").trim())) && getComputedStyle(e).cursor === "pointer";

    function attributes(e, tag, hide) {
      let s = "";
      for (const name of kept) if (e.hasAttribute(name) && !(name === "id" && tag === "form") && !/^\s*javascript:/i.test(e.getAttribute(name))) s += ` ${name}="${escaped(e.getAttribute(name))}"`;
      const by = e.getAttribute("aria-labelledby");
      if (by && !e.hasAttribute("aria-label")) {
        const words = by.split(/\s+/).map((id) => (document.getElementById(id) || {}).textContent || "").join(" ").trim();
        if (words) s += ` aria-label="${escaped(words.slice(0, 300))}"`;
      }
      return hide ? s + " hidden" : s;
    }

    function control(e, tag) {
      const button = presses(e, tag);
      let type = button ? "submit" : tag === "input" ? e.type : "";
      if (button && (e.type === "reset" || tag === "input" && e.type === "image")) type = e.type;
      // Beside a real one, a plain button does something else (shows the password, say).
      if (button && e.form && e.type === "button" && [...e.form.elements].some((o) => o.type === "submit" && shown(o))) type = "button";
      let s = attributes(e, tag, !shown(e) && !(/^(checkbox|radio)$/.test(type) && [...e.labels || []].some(shown)));
      if (type) s += ` type="${escaped(type)}"`;
      if (e.matches(":disabled") || e.getAttribute("aria-disabled") === "true") s += " disabled";
      if (e.form) s += ` form="${escaped(formID(e.form))}"`;
      else { s += ` form="rely-loose"`; loose = loose || shown(e); }
      s += ` data-rely="${elements.push(e) - 1}"`;
      if (tag === "input") out += `<input${s}${e.checked ? " checked" : ""} value="${escaped(e.value)}">`;
      else if (tag === "textarea") out += `<textarea${s}>${escaped(e.value)}</textarea>`;
      else if (tag === "select") out += `<select${s}>` + [...e.options].slice(0, 500).map((o) =>
        `<option value="${escaped(o.value)}"${o.selected ? " selected" : ""}${o.disabled ? " disabled" : ""}>${escaped(o.text)}</option>`).join("") + "</select>";
      else out += `<button${s}${e.value ? ` value="${escaped(e.value)}"` : ""}>${escaped((e.innerText || e.textContent || "").slice(0, 300))}</button>`;
    }

    function walk(n, hidden) {
      if (out.length > most || texts > 20000) return;
      if (n.nodeType === Node.TEXT_NODE) {
        texts++;
        if (!hidden) out += escaped(n.data);
        return;
      }
      if (n.nodeType !== Node.ELEMENT_NODE) return;
      const tag = n.localName;
      if (tag === "script") { out += "<script></script>"; return; }
      if (skipped.has(tag)) return;
      if (tag === "input" || tag === "textarea" || tag === "select" || tag !== "label" && presses(n, tag)) return control(n, tag);
      const head = tag === "head" || n.closest("head") !== null;
      const unseen = !head && !n.checkVisibility();
      let s = attributes(n, tag, unseen);
      if (tag === "form") s += ` id="${escaped(formID(n))}"`;
      out += `<${tag}${s}>`;
      if (void_.has(tag)) return;
      const quiet = unseen || !head && getComputedStyle(n).visibility !== "visible" && getComputedStyle(n).display !== "contents";
      const children = n.shadowRoot ? n.shadowRoot.childNodes : tag === "slot" && n.assignedNodes().length ? n.assignedNodes() : n.childNodes;
      for (const c of children) walk(c, quiet);
      if (tag === "body" && loose) out += `<form id="rely-loose" method="post"></form>`;
      out += `</${tag}>`;
    }
    if (document.documentElement) walk(document.documentElement, false);
    held.elements = elements;
    return { url: location.href, origin: location.origin, html: out, whole: (document.documentElement || {}).outerHTML?.slice(0, most) || "", type: document.contentType };
  }

  // settle waits until the document is whole and has not changed for a while.
  function settle({ quiet, limit }) {
    return new Promise((done) => {
      let timer, over;
      const finish = () => { observer.disconnect(); clearTimeout(timer); clearTimeout(over); done(true); };
      const again = () => { clearTimeout(timer); timer = setTimeout(() => document.readyState === "complete" ? finish() : again(), quiet); };
      const observer = new MutationObserver(again);
      observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      over = setTimeout(finish, limit);
      again();
    });
  }

  // watch notes from here on that something on the page is another.
  function watch() {
    held.changed = false;
    if (held.observer) return held.observer.takeRecords();
    held.observer = new MutationObserver(() => { held.changed = true; held.tell?.(); });
    held.observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  }

  // change waits until something is another than when the page was read, or
  // something had been done on it; false when nothing is in time.
  function change({ limit }) {
    if (!held.observer) watch();
    return new Promise((done) => {
      const over = setTimeout(() => done(held.changed), limit);
      held.tell = () => { clearTimeout(over); done(true); };
      if (held.changed) held.tell();
    });
  }

  function set(e, text) {
    e.focus();
    if (e.getRootNode().activeElement === e) {
      try { e.select(); } catch { /* not every type has a selection */ }
      document.execCommand("insertText", false, text);
    }
    if (e.value !== text) {
      e.value = text;
      e.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
    }
    e.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true, composed: true }));
    e.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // act types and presses. Nothing can come between the look at where this is
  // and the typing: scripts of this frame run between fields at most, those of
  // another document never.
  function act({ origin, fills, marks, choices, press, submit }) {
    const here = (i) => { const e = held.elements[i]; return e && e.isConnected && location.origin === origin ? e : null; };
    for (const { at } of [...fills, ...marks, ...choices]) if (!here(at)) return "moved";
    if (press >= 0 && !here(press)) return "moved";
    let last = null;
    for (const { at, text } of fills) {
      if (!(last = here(at))) return "done"; // the page went on by itself
      set(last, text);
    }
    for (const { at, on } of marks) {
      const e = here(at);
      if (e && e.checked !== on) e.click();
    }
    for (const { at, values } of choices) {
      const e = here(at);
      if (!e || [...e.selectedOptions].map((o) => o.value).join() === values.join()) continue;
      for (const o of e.options) o.selected = values.includes(o.value) || values.includes(o.text.trim());
      e.dispatchEvent(new Event("input", { bubbles: true }));
      e.dispatchEvent(new Event("change", { bubbles: true }));
    }
    if (press >= 0) {
      const e = here(press);
      if (e) e.click();
    } else if (last && last.form) {
      last.form.requestSubmit();
    } else if (last) {
      for (const kind of ["keydown", "keypress", "keyup"]) {
        last.dispatchEvent(new KeyboardEvent(kind, { key: "Enter", code: "Enter", keyCode: 13, which: 13, bubbles: true, composed: true, cancelable: true }));
      }
    } else if (submit >= 0) {
      const e = here(submit);
      if (e && e.form) e.form.submit();
    }
    watch();
    return "done";
  }

  // mask makes the page fit to be photographed: nothing in its fields, and
  // nothing that could be a secret in the form of a picture.
  function roots() {
    const list = [document];
    for (let i = 0; i < list.length; i++) for (const e of list[i].querySelectorAll("*")) if (e.shadowRoot) list.push(e.shadowRoot);
    return list;
  }
  function texts() {
    held.texts = [];
    for (const root of roots()) {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      while (walker.nextNode() && held.texts.length < 20000) held.texts.push(walker.currentNode);
    }
    return held.texts.map((n) => n.data);
  }
  function mask({ texts }) {
    for (const { at, text } of texts) held.texts[at].data = text;
    for (const root of roots()) {
      for (const e of root.querySelectorAll("input, textarea")) {
        if (/^(submit|button|reset|checkbox|radio|image)$/.test(e.type)) continue;
        if (e.value !== "") { e.value = ""; e.placeholder = "[filled in]"; }
      }
      for (const e of root.querySelectorAll("img, svg, canvas, video, iframe, frame, object, embed")) e.style.setProperty("visibility", "hidden", "important");
      const plain = new CSSStyleSheet();
      plain.replaceSync("*, *::before, *::after { background-image: none !important; animation: none !important }");
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, plain];
    }
    return true;
  }

  return { read, settle, change, act, texts, mask }[what](a);
})
