/* SPDX-License-Identifier: MIT */
/*
 * How the report of the cache looks: one style sheet, for light and dark, which the page
 * names by its digest, so that no other is heeded. aN: last used N (0: today ... 4: over a
 * year ago), n: not in the cache; t: text on what is not filled.
 */
#ifndef CAIRN_CLI_REPORT_STYLE_H
#define CAIRN_CLI_REPORT_STYLE_H

#define REPORT_STYLE                                                                       \
	":root{color-scheme:light dark;--page:#f6f5f2;--card:#fff;--ink:#1c2024;"          \
	"--soft:#667079;--line:#e2e0da;--empty:#e4e2dc;--frame:#f2f0eb;--a0:#4d9de0;"      \
	"--a1:#43b5a0;--a2:#8fc46b;--a3:#edc14e;--a4:#ec8f5a;--pin:#9a7bd0;--warn:#"       \
	"b3261e}"                                                                          \
	"@media(prefers-color-scheme:dark){:root{--page:#14171a;--card:#1c2024;"           \
	"--ink:#e8eaec;--soft:#98a2ab;--line:#2d3339;--empty:#343b42;--frame:#23282d;"     \
	"--warn:#ff8a80}}"                                                                 \
	"*{box-sizing:border-box}"                                                         \
	"body{margin:0;padding:2.5rem 1.25rem 3rem;background:var(--page);"                \
	"color:var(--ink);font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,"      \
	"\"DejaVu Sans\",sans-serif}"                                                      \
	"main{max-width:76rem;margin:auto}"                                                \
	"h1{font-size:1.6rem;line-height:1.2;margin:0;letter-spacing:-.01em}"              \
	"h2{font-size:1.1rem;margin:0;overflow-wrap:anywhere}"                             \
	".sub{color:var(--soft);margin:.3rem 0 0;overflow-wrap:anywhere}"                  \
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));"    \
	"gap:.75rem;margin:1.5rem 0}"                                                      \
	".tile,section{background:var(--card);border:1px solid var(--line);"               \
	"border-radius:10px}"                                                              \
	".tile{padding:.8rem 1rem}"                                                        \
	".tile b{display:block;font-size:1.35rem;font-weight:600;line-height:1.3;"         \
	"font-variant-numeric:tabular-nums}"                                               \
	".tile span{color:var(--soft);font-size:.82rem}"                                   \
	"section{padding:1.1rem 1.25rem 1.25rem;margin:1rem 0}"                            \
	".bar{display:block;width:100%;height:6px;margin-top:.5rem;border-radius:3px}"     \
	"td .bar{width:6rem;margin:.45rem 0}"                                              \
	".bar rect{fill:var(--empty)}.bar .v{fill:var(--a0)}.bar .p{fill:var(--pin)}"      \
	".key{display:flex;flex-wrap:wrap;gap:.4rem 1.1rem;align-items:center;"            \
	"color:var(--soft);font-size:.82rem;margin:1.5rem .25rem 0}"                       \
	".key svg{width:14px;height:14px;border-radius:3px;vertical-align:-2px;"           \
	"margin-right:.4rem}"                                                              \
	".map{display:block;width:100%;height:auto;margin-top:.9rem;font-size:11px}"       \
	".map text{fill:var(--ink)}.map .on text{fill:#14171a}"                            \
	".map text{paint-order:stroke;stroke:var(--empty);stroke-width:2.5px}"             \
	".map .on text,.map .d text{stroke:none}"                                          \
	".map .d text{font-weight:600;fill:var(--soft)}"                                   \
	".map .s{font-size:10px;opacity:.75}"                                              \
	".e{fill:var(--empty)}.d>rect{fill:var(--frame);stroke:var(--line)}"               \
	".a0 .f{fill:var(--a0)}.a1 .f{fill:var(--a1)}.a2 .f{fill:var(--a2)}"               \
	".a3 .f{fill:var(--a3)}.a4 .f{fill:var(--a4)}"                                     \
	".map .c:hover rect{stroke:var(--ink);stroke-width:2}"                             \
	".wide{overflow-x:auto}"                                                           \
	"table{border-collapse:collapse;width:100%;font-size:.88rem;margin-top:.7rem}"     \
	"th{font-weight:500;color:var(--soft);text-align:left;font-size:.8rem}"            \
	"th,td{padding:.38rem .75rem .38rem 0;border-bottom:1px solid var(--line);"        \
	"vertical-align:top}"                                                              \
	"tr:last-child td{border-bottom:0}"                                                \
	"td.w{overflow-wrap:anywhere;min-width:12rem}"                                     \
	".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"        \
	"small{color:var(--soft)}.warn{color:var(--warn)}"                                 \
	"footer{color:var(--soft);font-size:.8rem;margin:1.5rem .25rem 0}"                 \
	"@media print{body{background:#fff;padding:0}section{break-inside:avoid}}"

#endif
