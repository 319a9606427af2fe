/** Style of the page; the charts take their colours from the same names. */
export const style = `
:root { color-scheme: light dark; --page: #fff; --ink: #1f2328; --soft: #656d76; --rule: #d8dee4; --blue: #2563b5; --faint: #9db8dc; --green: #1a7f37; --amber: #9a6700; --red: #cf222e; --none: #eef1f4 }
@media (prefers-color-scheme: dark) { :root { --page: #11151a; --ink: #e3e8ee; --soft: #93a0ad; --rule: #2d353f; --blue: #6cabf5; --faint: #3a587f; --green: #4cc263; --amber: #e0ac3c; --red: #ff7069; --none: #1d242c } }
@media print { :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --rule: #ccc; --blue: #2563b5; --faint: #9db8dc; --green: #1a7f37; --amber: #9a6700; --red: #cf222e; --none: #eee } figure, tr { break-inside: avoid } }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif }
h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
p { margin: .3rem 0 } .path { font: 12px monospace; color: var(--soft); overflow-wrap: anywhere } .note { color: var(--soft); font-size: 13px }
.verdict { display: inline-block; border-radius: .3rem; padding: 0 .6rem; margin-left: .5rem; color: var(--page); background: var(--amber); -webkit-print-color-adjust: exact; print-color-adjust: exact }
.verdict.go { background: var(--green) } .verdict.no-go { background: var(--red) }
table { border-collapse: collapse; width: 100%; font-size: 13px } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--rule); overflow-wrap: anywhere }
th { color: var(--soft); font-weight: 500; white-space: nowrap } td:first-child { min-width: 10rem } td small { display: block; white-space: normal; font-weight: 400 } .pass, .fail, .inconclusive, .error { white-space: nowrap } .pass { color: var(--green) } .fail, .error { color: var(--red); font-weight: 600 } .inconclusive { color: var(--amber); font-weight: 600 }
figure { margin: 1rem 0 } figcaption { font-weight: 600; font-size: 14px } svg { width: 100%; height: auto }
`
