//! A page that stands on its own: no script, nothing that is fetched, and whatever came from outside escaped.

use super::{Grounds, Kind, Row};

const STYLE: &str = "\
body{font:14px/1.4 system-ui,sans-serif;color:#1a1a1a;margin:2em auto;max-width:84em;padding:0 1em}\
h1{font-size:1.5em;margin:0 0 .3em}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em 1em;margin:1em 0}\
dt{color:#555}dt::first-letter{text-transform:uppercase}dd{margin:0;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%;font-size:.9em}th,td{text-align:left;vertical-align:top;padding:.3em .5em;\
border-bottom:1px solid #ccc}td{max-width:22em;overflow-wrap:break-word}th{border-bottom:2px solid #444}\
thead{display:table-header-group}tr{break-inside:avoid}tr.finding td{background:#fdeecb}\
tr.finding td:first-child{border-left:4px solid #b45309}\
.sum{font-weight:600;margin:1.2em 0 .4em}ul{padding-left:1.2em}\
@page{size:A4 landscape;margin:14mm}@media print{body{margin:0;max-width:none;font-size:10px;padding:0}\
tr.finding td{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

/// Everything before the first row.
pub(super) fn opening(kind: &Kind, grounds: &Grounds) -> String {
    let mut fields = vec![
        ("Question", kind.question.to_owned()),
        ("Controls", kind.controls.join("; ")),
        ("Log", grounds.log.clone()),
        ("Signed", format!("{} entries, root {}", grounds.entries, grounds.root)),
        ("Key", grounds.key.clone()),
    ];
    fields.extend(grounds.since.clone().map(|since| ("Since", since)));
    fields.extend(grounds.until.clone().map(|until| ("Until", until)));
    fields.extend(grounds.besides.iter().cloned());
    fields.push(("Made", grounds.made.clone()));
    let fields: String = fields
        .iter()
        .map(|(label, value)| format!("<dt>{}</dt><dd>{}</dd>", escaped(label), escaped(value)))
        .collect();
    let columns: String =
        kind.columns.iter().map(|column| format!("<th scope=\"col\">{}</th>", escaped(column))).collect();
    let title = escaped(kind.title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<dl>{fields}</dl>\n<table><thead><tr>{columns}</tr></thead><tbody>\n"
    )
}

/// A row.
pub(super) fn row(row: &Row) -> String {
    let class = if row.finding { " class=\"finding\"" } else { "" };
    let cells: String = row.cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
    format!("<tr{class}>{cells}</tr>\n")
}

/// Everything after the last row.
pub(super) fn closing(rows: u64, findings: u64, notes: &[String]) -> String {
    let notes: String = notes.iter().map(|note| format!("<li>{}</li>", escaped(note))).collect();
    let notes = if notes.is_empty() { notes } else { format!("<ul>{notes}</ul>\n") };
    format!(
        "</tbody></table>\n<p class=\"sum\">{rows} rows, {findings} to look at.</p>\n{notes}</body></html>\n"
    )
}

/// Text that cannot be taken for markup, with control characters and what hides written out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for one in super::shown(text).chars() {
        match one {
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
    use super::{Row, row};

    #[test]
    fn nothing_from_outside_is_markup() {
        let hostile = Row { cells: vec!["<script>a('b')&\"\u{1b}[2J\u{202e}".into()], finding: true };
        assert_eq!(
            row(&hostile),
            "<tr class=\"finding\"><td>&lt;script&gt;a(&#39;b&#39;)&amp;&quot;\\x1b[2J\\u{202e}</td></tr>\n"
        );
    }
}
