//! HTML: a comparison as one self-contained page.
//!
//! Here: markup, style, the definitions that a reader of the numbers needs.
//! Never here: scripts, links to other files, statistics.
//! Modelled on: the report of criterion, but in one file.

use std::fmt::Write;

use super::compare_overview::{Glance, Overview, overviews};
use super::compare_table::{Row, Table, tables};
use super::paint::Ink;
use super::plots::Plot;
use super::run_json::hex;
use crate::campaign::summary::Summary;

const STYLE: &str = "\
body{font:15px/1.5 Helvetica,Arial,sans-serif;color:#222;max-width:1060px;margin:2em auto;\
padding:0 1em}\
h1{font-size:1.6em;margin-bottom:.1em}h2{font-size:1.2em;margin:2.2em 0 .5em}\
p.lead{color:#6e6e6e;margin-top:0}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;margin:.5em 0 1em}\
th{font-weight:normal;color:#6e6e6e;text-align:right;border-bottom:1px solid #ccc;\
vertical-align:bottom}\
th[title]{cursor:help}td{text-align:right;vertical-align:top;border-bottom:1px solid #eee}\
td,th{padding:.3em .5em}td:first-child,th:first-child{text-align:left}\
td small{display:block;color:#6e6e6e;white-space:nowrap}\
td.none{text-align:left;color:#6e6e6e}td.lacking{color:#999}\
.bad,small.bad{color:#b34700;font-weight:bold}.good{color:#00714f}\
.doubt,small.doubt{color:#8a6100}\
table.glance th{max-width:7.5em}\
a{color:#0072b2;text-decoration:none}a:hover{text-decoration:underline}\
svg{max-width:100%;height:auto;display:block;margin:.5em 0}\
dt{font-weight:bold;margin-top:.5em}dd{margin:0 0 0 1.5em}\
code{background:#f5f5f5;padding:.15em .35em}";

/// Definitions, in the words of docs and of the measures' own files.
const TERMS: [(&str, &str); 7] = [
    (
        "RTO",
        "end of the outage minus its onset, the last fault that struck before it began. A request \
         is bad if it fails or takes longer than the noticeable delay; bad intervals less than \
         30 s apart are one outage; the longest outage of a run counts. Zero: nobody noticed.",
    ),
    (
        "> and never",
        "the run ended within the outage. It stays in the sample, longer than every other.",
    ),
    (
        "RPO, lost",
        "acknowledged writes that an audit after recovery did not read back, and their age at the \
         onset. A write whose outcome its client never heard is unknown, never lost.",
    ),
    (
        "split brain",
        "dual belief: two processes hold themselves active at one instant; stale reads: the \
         deposed one answered; divergence: both acknowledged writes.",
    ),
    (
        "intervals",
        "95 %. Quantiles: order statistics, free of any distribution; a dash, or no column at \
         all, where there are too few runs. Shares: Clopper-Pearson, the rule of three where \
         nothing was seen.",
    ),
    (
        "phases",
        "what the first good answer waited for, walked back to the onset along the critical path: \
         each span of time bears the name of the step that it ended in. Means over the runs that \
         came back.",
    ),
    (
        "against first",
        "designs meet the same weather, replication by replication; this is the median of the \
         paired differences.",
    ),
];

/// The page; `digest` is that of all digests, `reproduce` the command that repeats it.
pub fn page(summary: &Summary, plots: &[Plot], digest: u64, reproduce: &str) -> String {
    let tables = tables(summary);
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n");
    out.push_str("<meta charset=\"utf-8\">\n<title>hadr compare</title>\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n");
    tell(&mut out, format_args!("<style>{STYLE}</style>\n</head>\n<body>\n"));
    let (runs, last) = (summary.runs, (summary.root + summary.runs).saturating_sub(1));
    out.push_str("<h1>Designs compared</h1>\n");
    tell(
        &mut out,
        format_args!(
            "<p class=\"lead\">{runs} replications of each design under each disaster, seeds {} to \
             {last}. Times in seconds.</p>\n",
            summary.root
        ),
    );
    for overview in overviews(summary) {
        glances(&mut out, &overview, &tables);
    }
    for (n, table) in tables.iter().enumerate() {
        section(&mut out, n, table);
        let here = |plot: &&Plot| plot.disaster == table.disaster && plot.service == table.service;
        for plot in plots.iter().filter(here) {
            out.push_str(&plot.svg);
            out.push('\n');
        }
    }
    objectives(&mut out, summary);
    out.push_str("<h2>How to read this</h2>\n<dl>\n");
    for (term, meaning) in TERMS {
        tell(&mut out, format_args!("<dt>{}</dt><dd>{meaning}</dd>\n", escape(term)));
    }
    out.push_str("</dl>\n");
    let (command, digest) = (escape(reproduce), hex(digest));
    tell(
        &mut out,
        format_args!(
            "<p>Repeat it: <code>{command}</code><br>digest of digests <code>{digest}</code>, \
             hadr {}</p>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION")
        ),
    );
    out
}

fn tell(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    assert!(written.is_ok(), "a string takes everything");
}

fn objectives(out: &mut String, summary: &Summary) {
    let missed = summary.cells.iter().flat_map(|cell| {
        let missed = cell.missed.iter().map(|one| ("bad", one.claim.clone()));
        let open = cell.undecided.iter().map(|gap| ("doubt", gap.to_string()));
        missed.chain(open).map(move |(class, text)| (cell, class, text))
    });
    let lines: Vec<String> = missed
        .map(|(cell, class, text)| {
            let cell = escape(&format!("{} under {}", cell.architecture, cell.disaster));
            format!("<li>{cell}: <span class=\"{class}\">{}</span></li>\n", escape(&text))
        })
        .collect();
    if !lines.is_empty() {
        let lines = lines.concat();
        tell(out, format_args!("<h2>Objectives missed or open</h2>\n<ul>\n{lines}</ul>\n"));
    }
}

/// RTO of half of the runs and what has to be said beside it; a heading leads to its table.
fn glances(out: &mut String, overview: &Overview, tables: &[Table]) {
    let service = escape(&overview.service);
    tell(out, format_args!("<h2>{service}: RTO of half of the runs</h2>\n"));
    out.push_str("<table class=\"glance\">\n<tr><th>design</th>");
    for disaster in &overview.disasters {
        let here =
            |table: &&Table| (&table.disaster, &table.service) == (disaster, &overview.service);
        let name = escape(disaster);
        match tables.iter().position(|table| here(&table)) {
            Some(n) => tell(out, format_args!("<th><a href=\"#t{n}\">{name}</a></th>")),
            None => tell(out, format_args!("<th>{name}</th>")),
        }
    }
    out.push_str("</tr>\n");
    for (design, cells) in &overview.rows {
        tell(out, format_args!("<tr><td>{}</td>", escape(design)));
        for Glance { value, flags, lacking } in cells {
            let class = if *lacking { " class=\"lacking\"" } else { "" };
            tell(out, format_args!("<td{class}>{}", escape(value)));
            for flag in flags {
                let (class, text) = (class_of(Some(flag.ink)), escape(&flag.text));
                tell(out, format_args!("<small{class}>{text}</small>"));
            }
            out.push_str("</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}

const fn class_of(ink: Option<Ink>) -> &'static str {
    match ink {
        Some(Ink::Bad) => " class=\"bad\"",
        Some(Ink::Good) => " class=\"good\"",
        Some(Ink::Doubt) => " class=\"doubt\"",
        Some(Ink::Strong | Ink::Faint) | None => "",
    }
}

fn section(out: &mut String, n: usize, table: &Table) {
    let title = escape(&format!("{} · {}", table.disaster, table.service));
    tell(out, format_args!("<h2 id=\"t{n}\">{title}</h2>\n<table>\n<tr><th>design</th>"));
    for (heading, meaning) in &table.columns {
        tell(out, format_args!("<th title=\"{}\">{heading}</th>", escape(meaning)));
    }
    out.push_str("</tr>\n");
    for Row { architecture, entries } in &table.rows {
        tell(out, format_args!("<tr><td>{}</td>", escape(architecture)));
        match entries {
            Err(why) => {
                let (span, why) = (table.columns.len(), escape(why));
                let text = format_args!(
                    "<td class=\"none\" colspan=\"{span}\">not applicable: {why}</td>"
                );
                tell(out, text);
            }
            Ok(entries) => {
                for entry in entries {
                    let class = class_of(entry.ink);
                    let (value, beneath) = (escape(&entry.value), escape(&entry.beneath));
                    tell(out, format_args!("<td><span{class}>{value}</span>"));
                    if !beneath.is_empty() {
                        tell(out, format_args!("<small>{beneath}</small>"));
                    }
                    out.push_str("</td>");
                }
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::sample;
    use crate::campaign::summary::summarize;
    use crate::report::plots::plots;
    use expect_test::expect_file;

    #[test]
    fn the_page_is_golden_and_needs_no_other_file() {
        let summary = summarize(&sample::comparison(120));
        let page = page(&summary, &plots(&summary), 7, "hadr compare --set a='<b>'");
        expect_file!["golden/report.html"].assert_eq(&page);
        let links = ["href=\"http", "src=", "url(", "<script", "@import"];
        assert!(links.iter().all(|link| !page.contains(link)));
        assert!(page.contains("--set a=&#39;&lt;b&gt;&#39;"));
    }
}
