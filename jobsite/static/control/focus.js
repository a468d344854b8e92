// The page is hidden until Alpine has started, and a browser that draws before then passes the
// element with `autofocus` by. Put the focus there once the page can be seen.
document.addEventListener("alpine:initialized", () => {
    queueMicrotask(() => {
        if (document.activeElement === document.body) {
            document.querySelector("[autofocus]")?.focus();
        }
    });
});
