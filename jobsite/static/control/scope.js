// Alpine's build without eval resolves names in its own scopes only, never in `window`.
// Unfold's templates call functions that its app.js defines there; give them to the outermost scope.
document.addEventListener("alpine:init", () => {
    const { pathname, search } = window.location;
    Alpine.addScopeToNode(document.documentElement, {
        theme: (mode) => theme(mode),
        searchCommand: () => searchCommand(),
        getCurrentTab: () => getCurrentTab(),
        isFilterModalOpen: () => isFilterModalOpen(),
        sortRecords: (event) => sortRecords(event),
        window: { location: { pathname, search } },
    });
});
