/** Colours of every page that a command writes, in light and dark: declarations for `:root`. */
export const pageTheme = `
    color-scheme: light dark;
    --paper: light-dark(#f6f4f1, #161514);
    --card: light-dark(#ffffff, #211f1e);
    --ink: light-dark(#22201e, #ece8e3);
    --faint: light-dark(#6b645d, #a39c94);
    --line: light-dark(#e3ded8, #36322f);
    --safelight: light-dark(#b3261e, #ff6f61);
    --good: light-dark(#2d6a3e, #7fc08f);
    font: 0.9375rem/1.5 system-ui, sans-serif;`;
