use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use super::{
    allow,
    draft::Draft,
    grammar, list,
    reader::{Report, TableReader, one_of},
    role::length_of_time,
    tree::{Node, Spanned},
};
use crate::{
    lint::About,
    name::{ClaimPath, Username},
    printable::Printable,
    rule::{Profile, Workload},
};

/// How long an issuer may be.
const MAX_ISSUER: usize = 1_024;
/// How many claims one may name…
const MAX_CLAIMS: usize = 32;
/// …and how many bytes they may have together: each push with a lease records them.
const MAX_CLAIMS_BYTES: usize = 1_024;

/// Claims that say nothing of the job, or that are checked in any case.
const NOT_OF_THE_JOB: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// Reads a `[[workload]]`.
pub(super) fn read<'a>(
    mut table: TableReader<'a>,
    draft: &mut Draft<'_, '_>,
    file: usize,
    report: &mut Report<'_, 'a>,
) {
    let span = table.span.clone();
    let id = draft.rule_id(&mut table, "api-release", file, report);
    let mode = list::mode(&mut table, report);
    let profile = table.require("profile", "\"github\"", report).and_then(|node| profile(node, report));
    let issuer = table.require("issuer", "\"https://token.actions.githubusercontent.com\"", report);
    let issuer = issuer.and_then(|node| issuer_of(profile, node, report));
    let claims = table.require("claims", "{ repository_id = \"1234\" }", report);
    let claims = claims.and_then(|node| claims_of(profile, node, report));
    let principal = table.require("principal", "\"svc-release\"", report);
    let principal = principal.and_then(|node| report.text("principal", node));
    let principal = principal.and_then(|text| report.parse(text, Username::parse));
    let roles = table.require("roles", "[\"release-bot\"]", report);
    let roles = roles.and_then(|node| list::roles("roles", node, report)).unwrap_or_default();
    draft.mention_roles(&roles, file);
    let on = list::on(&mut table, &draft.room, report);
    let refs = table.require("refs", "[\"refs/heads/main\"]", report);
    let refs = refs.and_then(|node| list::refs(node, &draft.room, report));
    let verbs = list::verbs_on_refs("workload", &mut table, report);
    let has_paths = table.has("paths");
    let paths = list::paths("paths", &mut table, &draft.room, report);
    let max_lease = max_lease(&mut table, report);
    let uses = match table.take("uses") {
        Some(node) => report.whole_number("uses", &node, 1..=u64::from(Workload::MOST_USES)),
        None => Some(1),
    };
    let uses = uses.and_then(|uses| u32::try_from(uses).ok()).and_then(NonZeroU32::new);
    let allowed = allow::read(&mut table, report);
    table.finish_as(&grammar::WORKLOAD, report);
    let (Some(id), Some(profile), Some(issuer), Some(claims)) = (id, profile, issuer, claims) else { return };
    is_told_by_an_id(profile, &claims, span, report);
    let (Some(principal), Some(on), Some(refs)) = (principal, on, refs) else { return };
    let (Some(max_lease), Some(uses)) = (max_lease, uses) else { return };
    if has_paths && paths.is_none() {
        return;
    }
    draft.parts.allowances.extend(allow::about(&About::Workload(id.clone()), allowed));
    let (principal, roles) = (principal.value, list::set(roles));
    draft.parts.workloads.push(Workload {
        id,
        mode,
        issuer,
        profile,
        claims,
        principal,
        roles,
        on,
        refs,
        verbs,
        paths,
        max_lease,
        uses,
    });
}

fn profile<'a>(node: Spanned<Node<'a>>, report: &mut Report<'_, 'a>) -> Option<Profile> {
    let known = Profile::ALL.map(Profile::as_str);
    let text = report.text("profile", node)?;
    let parse = |text: &str| {
        one_of(text, "profile", &known).and_then(|word| Profile::parse(word).ok_or_else(String::new))
    };
    report.parse(text, parse).map(|profile| profile.value)
}

fn issuer_of<'a>(
    profile: Option<Profile>,
    node: Spanned<Node<'a>>,
    report: &mut Report<'_, 'a>,
) -> Option<String> {
    let text = report.text("issuer", node)?;
    let is_spiffe = profile == Some(Profile::Spiffe);
    let parse = |text: &str| {
        let right = match is_spiffe {
            true => text.strip_prefix("spiffe://").is_some_and(|domain| {
                !domain.is_empty() && !domain.contains(|c: char| c == '/' || c.is_whitespace())
            }),
            false => text.starts_with("https://") || text.starts_with("http://"),
        };
        if right && text.len() <= MAX_ISSUER && !text.contains(char::is_control) {
            return Ok(text.to_owned());
        }
        let right = match is_spiffe {
            true => "for SPIFFE it is the trust domain, as in `spiffe://example.org`",
            false => "it is what the tokens say in `iss`, to the letter, as in `https://gitlab.example.com`",
        };
        Err(format!("`{}` is no issuer: {right}", Printable::new(text)))
    };
    report.parse(text, parse).map(|issuer| issuer.value)
}

fn claims_of<'a>(
    profile: Option<Profile>,
    node: Spanned<Node<'a>>,
    report: &mut Report<'_, 'a>,
) -> Option<BTreeMap<ClaimPath, String>> {
    let id = profile.and_then(Profile::id_claim).unwrap_or("sub");
    let (span, example) = (node.span.clone(), format!("{{ {id} = \"…\" }}"));
    let Node::Table(entries) = node.value else {
        let help = format!("write {}", report.pair("claims", &example));
        let message = format!("`claims` is a table of claims, not {}", report.kind(&node.value));
        report.add(span, message, Some(help));
        return None;
    };
    let given = entries.len();
    if given == 0 || given > MAX_CLAIMS {
        let message = format!("`claims` names 1 to {MAX_CLAIMS} claims, not {given}");
        report.add(span, message, Some(format!("write {}", report.pair("claims", &example))));
        return None;
    }
    let mut claims = BTreeMap::new();
    for (key, value) in entries {
        let at = key.span.clone();
        let path = report.parse(key, claim);
        let value = report.text("claims", value);
        let (Some(path), Some(value)) = (path, value) else { continue };
        if claims.insert(path.value, value.value.into_owned()).is_some() {
            report.add(at, "this claim is given twice", Some("keep one".into()));
        }
    }
    let bytes: usize = claims.iter().map(|(path, text)| path.to_string().len() + text.len()).sum();
    if bytes > MAX_CLAIMS_BYTES {
        let message = format!("`claims` has {bytes} bytes; {MAX_CLAIMS_BYTES} are allowed");
        report.add(span, message, Some("name those that tell the job, and no more".into()));
        return None;
    }
    (claims.len() == given).then_some(claims)
}

fn claim(text: &str) -> Result<ClaimPath, String> {
    let path = text.parse::<ClaimPath>().map_err(|error| error.to_string())?;
    match NOT_OF_THE_JOB.contains(&path.claim()) {
        true => Err(format!("`{text}` says nothing of the job, and is checked in any case: take it out")),
        false => Ok(path),
    }
}

/// A name can be given to another project by whoever may rename; an id cannot.
fn is_told_by_an_id(
    profile: Profile,
    claims: &BTreeMap<ClaimPath, String>,
    span: std::ops::Range<usize>,
    report: &mut Report<'_, '_>,
) {
    let Some(id) = profile.id_claim() else { return };
    if !claims.keys().any(|claim| claim.to_string() == id) {
        let message = format!("a workload of the profile `{}` is told by the claim `{id}`", profile.as_str());
        let help = "add it to `claims`: names can be given to others, and this one cannot";
        report.add(span, message, Some(help.into()));
    }
}

fn max_lease<'a>(table: &mut TableReader<'a>, report: &mut Report<'_, 'a>) -> Option<Duration> {
    let Some(node) = table.take("max_lease") else { return Some(Workload::USUAL) };
    let span = node.span.clone();
    let length = length_of_time("max_lease", node, report)?;
    if length > Workload::LONGEST {
        let help = "a job that takes longer asks again when it pushes";
        report.add(span, "`max_lease` of a workload is at most `15m`", Some(help.into()));
        return None;
    }
    Some(length)
}
