"""How a report looks: one style sheet for screens, projectors and paper, light and dark, and the patterns of its bars.

Colours have at least 4.5 to 1 against what they stand on; what is told by one is told by a pattern or a word too.
"""

from __future__ import annotations

STYLE = """
:root{--page:#f4f6f8;--card:#fff;--ink:#14202b;--soft:#4a5967;--rule:#d3dbe2;--good:#0b62a4;--run:#5c9fd3;
--bad:#b0340a;--bad-soft:#e8a48a;--c1:#74489a;--c2:#00736b;--c3:#7a5800;--quiet:#5a6774;--outside:#e6ebef;--had:#c3d5e5;
--rel:#74489a;--rel0:#ddd0e8;--rel1:#cdbbdd;--rel2:#e8e0ef;--emb:#ebe7df;--on-rel:#fff}
@media (prefers-color-scheme:dark){:root{--page:#0f151b;--card:#182029;--ink:#e9eff5;--soft:#adbac7;--rule:#33404d;
--good:#74bdf5;--run:#3b7fb5;--bad:#ff9b70;--bad-soft:#8c4526;--c1:#cfaaf0;--c2:#63d2c6;--c3:#e5c261;--quiet:#a5b2bf;
--outside:#28323c;--had:#35506a;
--rel:#c79ceb;--rel0:#4c3b60;--rel1:#5b4873;--rel2:#3b2e4c;--emb:#37332b;--on-rel:#1b0f28}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:17px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",sans-serif}
main{max-width:1080px;margin:0 auto;padding:40px 28px 56px}
h1{font-size:clamp(1.7rem,3.6vw,2.3rem);line-height:1.18;margin:.1em 0 .35em;text-wrap:balance;overflow-wrap:anywhere;
letter-spacing:-.015em}
h2{font-size:1.3rem;margin:0 0 .5em;letter-spacing:-.005em}
p{margin:.25em 0}
.over{font-weight:600;color:var(--good);overflow-wrap:anywhere}
.soft{color:var(--soft)}
.lead{font-size:1.15rem;overflow-wrap:anywhere;margin:0 0 .35em}
header{margin-bottom:28px}
section,.figures>div{background:var(--card);border:1px solid var(--rule);border-radius:12px}
section{padding:24px 26px;margin:0 0 20px}
section>p.soft{margin:-.3em 0 1em}
.figures{display:flex;flex-wrap:wrap;gap:14px;margin:0 0 20px}
.figures>div{padding:16px 20px;flex:1 1 auto;min-width:130px}
.figures dt{color:var(--soft);line-height:1.3}
.figures dd{margin:0;font-size:1.65rem;white-space:nowrap;
font-weight:650;line-height:1.2;font-variant-numeric:tabular-nums}
.figures>div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
figure{margin:0;overflow-x:auto}
.plot{display:block;width:100%;min-width:620px;height:auto}
.plot text{font:15px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--ink)}
.plot .tick{fill:var(--soft);font-size:14px}
.plot .said{font-size:14px;fill:var(--ink)}
.plot .said,.plot .in{paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.plot .in.one{stroke:var(--rel)}.plot .in.embedded{stroke:var(--emb)}.plot .in.old0{stroke:var(--rel0)}
.plot .in.old1{stroke:var(--rel1)}.plot .in.old2{stroke:var(--rel2)}
.grid{stroke:var(--rule);stroke-width:1}.grid.axis{stroke:var(--soft)}
.mark{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 4}
path{fill:none}
.line{stroke-width:2.5;stroke-linejoin:round}
.leader{stroke-width:1}
.line.one,.leader.one{stroke:var(--good)}.line.one{stroke-width:4}.label.one{fill:var(--good)!important;font-weight:650!important}
.line.bad,.leader.bad{stroke:var(--bad)}.line.bad{stroke-width:3;stroke-dasharray:9 4}
.label.bad{fill:var(--bad)!important;font-weight:650!important}
.line.bad2,.leader.bad2{stroke:var(--bad)}.line.bad2{stroke-dasharray:2 4;stroke-width:3}
.label.bad2{fill:var(--bad)!important}
.line.c1,.leader.c1{stroke:var(--c1)}.line.c1{stroke-dasharray:14 4}.label.c1{fill:var(--c1)!important}
.line.c2,.leader.c2{stroke:var(--c2)}.line.c2{stroke-dasharray:14 4 3 4}.label.c2{fill:var(--c2)!important}
.line.c3,.leader.c3{stroke:var(--c3)}.line.c3{stroke-dasharray:6 4}.label.c3{fill:var(--c3)!important}
.line.embedded,.leader.embedded{stroke:var(--quiet)}.line.embedded{stroke-width:1.8}.label.embedded{fill:var(--quiet)!important}
.accent-fill,.confirmed{fill:var(--good)}
.running{fill:var(--run)}
.had{fill:var(--had)}.old0,.key-old{fill:var(--rel0)}.old1{fill:var(--rel1)}.old2{fill:var(--rel2)}
.key-one{fill:var(--rel)}.key-bad{fill:url(#p-fell)}.key-embedded{fill:var(--emb)}.way{fill:url(#p-way)}.fell{fill:url(#p-fell)}
.band{stroke:var(--card);stroke-width:1}.band.one{fill:var(--rel)}
.band.bad{fill:url(#p-fell);stroke:var(--bad)}.band.embedded{fill:var(--emb)}
.plot .in{fill:var(--ink)}.plot .in.one{fill:var(--on-rel);font-weight:650}
.plot .in.bad{fill:var(--bad);font-weight:650}
.failed{fill:url(#p-failed)}.outside{fill:var(--outside)}
.p-back{fill:var(--card)}.p-bad{fill:var(--bad-soft)}.p-dot{fill:var(--good)}.p-line{stroke:var(--bad);stroke-width:3}
.bar{display:block;width:100%;height:18px;border-radius:4px}
.key svg{width:26px;height:14px;vertical-align:-1px;margin-right:6px;border-radius:3px;display:inline-block}
.key{display:flex;flex-wrap:wrap;gap:4px 22px;margin:0 0 12px;padding:0;list-style:none;color:var(--soft)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.94rem}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{text-align:left;padding:8px 12px 8px 0;border-top:1px solid var(--rule);vertical-align:top}
.client,.release,.said-of{overflow-wrap:anywhere}.short{max-width:11em;overflow-wrap:break-word}
thead th{border-top:0;color:var(--soft);font-weight:600}
tbody th{font-weight:500}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.bars{width:270px;min-width:150px;padding-top:12px}
.zero{color:var(--soft)}
.said-of{color:var(--soft);min-width:240px;font-size:.88rem}
.nowrap{white-space:nowrap}.client{min-width:8.5em}
.release b{font-size:1.08rem}.release span{display:block;color:var(--soft);font-weight:400;font-size:.88rem}
.tag{display:inline-block;border:1px solid currentColor;border-radius:5px;padding:0 6px;font-size:.8rem;
margin:1px 4px 1px 0}
code{font:.86em ui-monospace,"SF Mono",Menlo,Consolas,monospace;color:var(--soft);font-weight:400}
.good-text{color:var(--good)}.bad-text{color:var(--bad)}
.story{list-style:none;margin:0;padding:0}
.story li{display:flex;gap:14px;padding:10px 0;border-top:1px solid var(--rule);overflow-wrap:anywhere}
.story li:first-child{border-top:0}
.mark-of{font-size:1.25rem;line-height:1.25;width:1.2em;text-align:center;flex:none}
footer{padding:6px 4px;font-size:.92rem}
@media print{:root{--page:#fff;--card:#fff;--ink:#000;--soft:#333;--rule:#bbb;--good:#0b62a4;
--run:#5c9fd3;--bad:#b0340a;--bad-soft:#e8a48a;--c1:#74489a;--c2:#00736b;--c3:#7a5800;--quiet:#555;--outside:#e6ebef;--had:#c3d5e5;
--rel:#74489a;--rel0:#ddd0e8;--rel1:#cdbbdd;--rel2:#e8e0ef;--emb:#ebe7df;--on-rel:#fff}
body{font-size:11pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}main{padding:0;max-width:none}
section,.figures>div,tr,li{break-inside:avoid}.scroll,figure{overflow:visible}.plot{min-width:0}
section:has(table tr:nth-child(12)){break-inside:auto}thead{display:table-header-group}}
"""

PATTERNS = (
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true" focusable="false"><defs>'
    '<pattern id="p-way" width="7" height="7" patternUnits="userSpaceOnUse"><rect class="p-back" width="7" height="7"/>'
    '<circle class="p-dot" cx="3.5" cy="3.5" r="1.7"/></pattern>'
    '<pattern id="p-fell" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="p-bad" width="8" height="8"/><path class="p-line" d="M0 4H8"/></pattern>'
    '<pattern id="p-failed" width="8" height="8" patternUnits="userSpaceOnUse">'
    '<rect class="p-back" width="8" height="8"/><path class="p-line" d="M0 0L8 8M8 0L0 8"/></pattern>'
    "</defs></svg>"
)
"""Dots for what is on its way, stripes for what fell back, crosses for what failed."""
