// What a person likes stands in cookies of their browser: language, colors. No request is made here.
(() => {
  const keep = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=strict`; };
  const kept = (name) => (document.cookie.match(`(?:^|; )${name}=([^;]*)`) || [])[1];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  // Charts are drawn in the colors that the server was told of: where it was told others, ask again.
  const compare = () => {
    const is = dark.matches ? "dark" : "light";
    keep("foresell_scheme", is);
    const drawn = root.dataset.scheme;
    if (root.dataset.theme === "auto" && drawn && drawn !== is && kept("foresell_scheme") === is) location.reload();
  };
  compare();
  dark.addEventListener("change", compare);
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-language], [data-next-theme], [data-picture]");
    if (!chosen) return;
    if (chosen.dataset.language) keep("foresell_language", chosen.dataset.language === "zh" ? "en" : "zh");
    else if (chosen.dataset.nextTheme) keep("foresell_theme", chosen.dataset.nextTheme);
    else return picture(chosen.dataset.picture, chosen.dataset.name);
    location.reload();
  });
  function picture(id, name) {
    const chart = window.getElement(Number(id)).chart;
    const link = document.createElement("a");
    link.href = chart.getDataURL({ pixelRatio: 2, backgroundColor: getComputedStyle(root).getPropertyValue("--card").trim() });
    link.download = `${name}.png`;
    link.click();
  }
})();
