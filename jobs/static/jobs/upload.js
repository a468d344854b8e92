// How much of a file is sent. Without this the form works all the same.
document.addEventListener("htmx:xhr:progress", (event) => {
    const bar = event.target.querySelector("#upload-progress");
    if (!bar || !event.detail.lengthComputable) return;
    bar.hidden = false;
    bar.value = 100 * event.detail.loaded / event.detail.total;
});
