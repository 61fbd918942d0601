//! Reviews of access: who answers for which rows of a report.
//!
//! The rows are what the reviewer read, not what the daemon says of them: a later report compares them with what is so then.

use jiff::Timestamp;
use oam_audit::entry::{AccessAttested, AccessVerdict, Event, ReviewedRow, Time};
use oam_policy::{Digest, RefName, Repository, Username};
use oam_proto::v1;
use tonic::Status;

use crate::{privilege::Person, service::Live};

/// How many rows one entry holds, at most.
const MOST_ROWS: usize = 1_000;
/// How long a reason may be, in bytes.
const LONGEST_REASON: usize = 2_000;
/// How many hexadecimal digits a SHA-256 has.
const DIGITS: usize = 64;

/// Records it, and answers when that is durable.
pub(super) async fn attest(
    live: &Live,
    person: &Person,
    request: v1::AttestAccessRequest,
) -> Result<v1::AttestAccessResponse, Status> {
    let attested = attested(person, request)?;
    let own = attested.rows.iter().find(|row| is_of(row, &person.username));
    if let Some(own) = own {
        return Err(Status::permission_denied(format!(
            "`{}` may not review their own access, to `{}` of {}: leave these rows to somebody else",
            own.who, own.r#ref, own.repository
        )));
    }
    let by = attested.by.clone();
    let batch = live.audit.batch(&Event::AccessAttested(attested)).map_err(|error| {
        Status::invalid_argument(format!("too many rows for one entry of the audit log, send fewer: {error}"))
    })?;
    let appended = live.audit.append(batch).await;
    live.audit_took_it(appended.is_ok());
    let seq = appended.map_err(|error| super::unavailable(&error))?.first;
    Ok(v1::AttestAccessResponse { seq, by })
}

fn is_of(row: &ReviewedRow, username: &Username) -> bool {
    Username::parse(&row.who).is_ok_and(|who| who.key() == username.key())
}

fn attested(person: &Person, request: v1::AttestAccessRequest) -> Result<AccessAttested, Status> {
    let wrong = |what: String| Status::invalid_argument(what);
    let verdict = match request.verdict.as_str() {
        "accepted" => AccessVerdict::Accepted,
        "revoked" => AccessVerdict::Revoked,
        _ => return Err(wrong("the verdict is `accepted` or `revoked`".into())),
    };
    let reason = request.reason.trim().to_owned();
    if reason.is_empty() || reason.len() > LONGEST_REASON {
        return Err(wrong(format!("a reason has 1 to {LONGEST_REASON} bytes")));
    }
    let is_digest = request.review.len() == DIGITS
        && request.review.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_digest {
        return Err(wrong("the report is named by its SHA-256, in hexadecimal".into()));
    }
    let at = Timestamp::from_microsecond(request.at_micros).map_err(|error| wrong(error.to_string()))?;
    let digest = |text: &str| match text.parse::<Digest>() {
        Ok(digest) => Ok(digest.to_string()),
        Err(error) => Err(wrong(error.to_string())),
    };
    if request.rows.is_empty() || request.rows.len() > MOST_ROWS {
        return Err(wrong(format!("name 1 to {MOST_ROWS} rows")));
    }
    Ok(AccessAttested {
        by: person.username.as_str().to_owned(),
        actor: person.actor.clone(),
        verdict,
        reason,
        review: request.review,
        at: Time::from(at),
        policy: digest(&request.policy)?,
        directory: digest(&request.directory)?,
        rows: request.rows.into_iter().map(row).collect::<Result<_, _>>()?,
    })
}

fn row(row: v1::ReviewedRow) -> Result<ReviewedRow, Status> {
    let wrong = |error: &dyn std::error::Error| Status::invalid_argument(error.to_string());
    let repository = Repository::parse(&row.repository).map_err(|error| wrong(&error))?;
    RefName::parse(row.r#ref.as_bytes()).map_err(|error| wrong(&error))?;
    let who = Username::parse(&row.who).map_err(|error| wrong(&error))?;
    Ok(ReviewedRow {
        repository: repository.to_string(),
        r#ref: row.r#ref,
        who: who.as_str().to_owned(),
        is: if row.service { "service" } else { "user" }.to_owned(),
        may: row.may,
        through: row.through,
    })
}
