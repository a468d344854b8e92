// Unfold's menu, account and filter buttons are text with a click handler, which no keyboard
// reaches and no screen reader names. Make them the buttons that they look like.
const buttons = [
    ["sidebarToggle()", "Menu"],
    ["openUserLinks = !openUserLinks", "Account"],
    ["filterOpen = true", "Filters"],
];

document.addEventListener("alpine:init", () => {
    for (const element of document.querySelectorAll("[x-on\\:click]:not(button)")) {
        const known = buttons.find(([action]) => element.getAttribute("x-on:click").includes(action));
        if (!known) continue;
        element.setAttribute("role", "button");
        element.setAttribute("aria-label", known[1]);
        element.tabIndex = 0;
        element.addEventListener("keydown", (event) => {
            if (event.target === element && (event.key === "Enter" || event.key === " ")) {
                event.preventDefault();
                element.click();
            }
        });
    }
});

// The page is hidden until Alpine has started, and a browser that draws before then passes the
// element with `autofocus` by. Put the focus there once the page can be seen.
document.addEventListener("alpine:initialized", () => {
    queueMicrotask(() => {
        if (document.activeElement === document.body) {
            document.querySelector("[autofocus]")?.focus();
        }
    });
});

// Unfold's "/" goes to the search field of a list. Where a page has none, it opens the palette.
window.addEventListener("keydown", (event) => {
    const at = document.activeElement;
    const types = ["INPUT", "TEXTAREA", "SELECT"].includes(at.tagName) || at.isContentEditable;
    if (event.key !== "/" || types || document.getElementById("searchbar")) return;
    event.preventDefault();
    window.dispatchEvent(new CustomEvent("opencommand"));
});
