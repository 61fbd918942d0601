//! `oam report attest`: somebody answers for rows of a review of access.

use std::{fs, path::PathBuf};

use clap::Args;
use jiff::Timestamp;
use oam_proto::v1::{AttestAccessRequest, ReviewedRow};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::access::REVIEW;
use crate::{
    command::{Context, Ending, reason},
    exit::Exit,
    failure::Failure,
    output::report::{AttestedJson, attested_text},
};

/// How many bytes of rows go into one entry of the log.
const ROWS_BYTES: usize = 24 * 1024;
/// How many rows.
const ROWS: usize = 500;

/// `oam report attest`.
#[derive(Debug, Args)]
pub struct Attest {
    /// They still need it
    #[arg(long, group = "verdict", required_unless_present = "revoke")]
    accept: bool,
    /// It is to be taken away
    #[arg(long, group = "verdict")]
    revoke: bool,
    /// Only the rows of this user; may be given more than once. Without any: all rows
    #[arg(long, value_name = "NAME")]
    user: Vec<String>,
    /// Why, in your words
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    /// The report that you have read, as `oam report access-review --format json` printed it
    #[arg(value_name = "FILE")]
    report: PathBuf,
}

/// A line of the report, as far as it counts here.
#[derive(Deserialize)]
#[serde(tag = "item", rename_all = "kebab-case")]
enum Line {
    Report { report: String, grounds: Grounds },
    Row { row: Row },
    Note {},
    End { rows: usize },
}

#[derive(Deserialize)]
struct Grounds {
    besides: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Row {
    repository: String,
    r#ref: String,
    who: String,
    kind: String,
    may: String,
    through: String,
}

/// Has the daemon record it, under the name of whoever calls.
///
/// # Errors
/// When the report is none, or the daemon says no.
pub(super) async fn run(command: &Attest, context: &mut Context) -> Ending {
    let bytes = fs::read(&command.report).map_err(|source| Failure::read(&command.report, source))?;
    let review = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (grounds, rows) = read(&bytes).ok_or_else(|| Failure::Usage {
        what: format!("`{}` is no whole review of access", command.report.display()),
        help: "make one with `oam report access-review --format json > FILE`",
    })?;
    let rows = chosen(rows, &command.user)?;
    let verdict = if command.accept { "accepted" } else { "revoked" };
    let of_grounds = |name: &str| {
        grounds
            .besides
            .iter()
            .find(|(label, _)| label == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let at: Timestamp = of_grounds("at").parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let request = AttestAccessRequest {
        verdict: verdict.to_owned(),
        reason: command.reason.clone(),
        review: review.clone(),
        at_micros: at.as_microsecond(),
        policy: of_grounds("policy"),
        directory: of_grounds("directory"),
        rows: Vec::new(),
    };
    let (count, mut admin) = (rows.len() as u64, context.address.connect().await?);
    let (mut entries, mut by) = (Vec::new(), String::new());
    for rows in in_entries(rows) {
        let answer = admin.attest_access(AttestAccessRequest { rows, ..request.clone() }).await?.into_inner();
        entries.push(answer.seq);
        by = answer.by;
    }
    let told = AttestedJson { verdict, by: &by, rows: count, review: &review, entries: &entries };
    context.terminal.answer(&told, |page| attested_text(&told, page))?;
    Ok(Exit::Ok)
}

/// What a report rests on, and its rows; `None` where it is none, is about something else, or is cut off.
fn read(bytes: &[u8]) -> Option<(Grounds, Vec<ReviewedRow>)> {
    let (mut grounds, mut rows, mut end) = (None, Vec::new(), None);
    for line in serde_json::Deserializer::from_slice(bytes).into_iter::<Line>() {
        match line.ok()? {
            Line::Report { report, grounds: found } if report == REVIEW.name && grounds.is_none() => {
                grounds = Some(found);
            }
            Line::Report { .. } => return None,
            Line::Row { row } => rows.push(ReviewedRow {
                repository: row.repository,
                r#ref: row.r#ref,
                who: row.who,
                service: row.kind == "service",
                may: row.may,
                through: row.through,
            }),
            Line::Note {} => {}
            Line::End { rows: count } => end = Some(count),
        }
    }
    (end == Some(rows.len())).then_some(grounds.map(|grounds| (grounds, rows))).flatten()
}

/// The rows that are meant: each user who is named has some.
fn chosen(rows: Vec<ReviewedRow>, users: &[String]) -> Result<Vec<ReviewedRow>, Failure> {
    let is = |row: &ReviewedRow, user: &String| row.who.to_lowercase() == user.to_lowercase();
    if let Some(nobody) = users.iter().find(|user| !rows.iter().any(|row| is(row, user))) {
        return Err(Failure::Usage {
            what: format!("the report has no row of `{}`", nobody.escape_debug()),
            help: "only what stands in the report can be attested",
        });
    }
    let rows: Vec<_> =
        rows.into_iter().filter(|row| users.is_empty() || users.iter().any(|user| is(row, user))).collect();
    if rows.is_empty() {
        return Err(Failure::Usage {
            what: "the report has no rows".into(),
            help: "there is nothing to attest",
        });
    }
    Ok(rows)
}

/// As many rows together as fit an entry of the log.
fn in_entries(rows: Vec<ReviewedRow>) -> Vec<Vec<ReviewedRow>> {
    let (mut all, mut bytes) = (vec![Vec::new()], 0);
    for row in rows {
        let own =
            row.repository.len() + row.r#ref.len() + row.who.len() + row.may.len() + row.through.len() + 100;
        let is_full =
            |last: &Vec<ReviewedRow>| !last.is_empty() && (bytes + own > ROWS_BYTES || last.len() >= ROWS);
        if all.last().is_some_and(is_full) {
            all.push(Vec::new());
            bytes = 0;
        }
        bytes += own;
        if let Some(last) = all.last_mut() {
            last.push(row);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{ROWS, ReviewedRow, chosen, in_entries, read};

    const REPORT: &str = concat!(
        r#"{"item":"report","report":"access-review","title":"t","controls":[],"grounds":{"log":"l","besides":[["at","2026-11-23T17:21:14Z"],["policy","c0ffee"]]}}"#,
        "\n",
        r#"{"item":"row","row":{"repository":"PAY/api","ref":"refs/heads/main","who":"Ada","kind":"user","may":"update","through":"main","last push":"","finding":false}}"#,
        "\n",
        r#"{"item":"note","note":"n"}"#,
        "\n",
        r#"{"item":"end","rows":1,"findings":0}"#,
        "\n",
    );

    #[test]
    fn only_a_whole_review_is_one() {
        let (grounds, rows) = read(REPORT.as_bytes()).unwrap();
        assert_eq!(grounds.besides[1], ("policy".into(), "c0ffee".into()));
        assert_eq!((rows.len(), rows[0].who.as_str(), rows[0].service), (1, "Ada", false));
        let without = |line: usize| {
            let lines = REPORT.lines().enumerate().filter(|(place, _)| *place != line);
            lines.map(|(_, line)| format!("{line}\n")).collect::<String>()
        };
        for broken in
            [without(0), without(1), without(3), REPORT.replace("access-review", "leavers"), String::new()]
        {
            assert!(read(broken.as_bytes()).is_none(), "{broken}");
        }
        assert!(chosen(rows.clone(), &["ada".into()]).is_ok());
        assert!(chosen(rows, &["bob".into()]).unwrap_err().to_string().contains("bob"));
    }

    #[test]
    fn many_rows_are_split_and_none_is_lost() {
        let row = |number: usize| ReviewedRow {
            who: format!("user-{number}"),
            through: "x".repeat(number % 3_000),
            ..ReviewedRow::default()
        };
        let rows: Vec<_> = (0..4_000).map(row).collect();
        let split = in_entries(rows.clone());
        assert!(split.iter().all(|one| !one.is_empty() && one.len() <= ROWS));
        assert_eq!(split.concat(), rows);
    }
}
