//! Who tells us what happens to people.

use oam_proto::v1::{SetUpSignalsResponse, Transmitter, VerifySignalsResponse};
use serde::Serialize;

use super::{
    Page, json,
    layout::{Fields, Table},
    page::{moment, number},
    quoted, shown,
    source::{TokenJson, tokens_text},
};

/// A transmitter.
#[derive(Debug, Serialize)]
pub struct TransmitterJson<'a> {
    name: &'a str,
    issuer: &'a str,
    source: &'a str,
    delivery: &'a str,
    path: Option<&'a str>,
    stream: Option<&'a str>,
    flow: &'a str,
    why: Option<&'a str>,
    heard: Option<String>,
    verified: Option<String>,
    asked: Option<String>,
    trouble: Option<&'a str>,
    blind: Option<&'a str>,
    received: u64,
    refused: u64,
    tokens: Vec<TokenJson<'a>>,
}

/// What came of `oam signals setup`.
#[derive(Debug, Serialize)]
pub struct SetUpJson<'a> {
    transmitter: Option<TransmitterJson<'a>>,
    token: Option<&'a str>,
    advice: &'a [String],
}

/// What came of `oam signals verify`.
#[derive(Debug, Serialize)]
pub struct VerifiedJson<'a> {
    transmitter: Option<TransmitterJson<'a>>,
    verified: bool,
}

impl<'a> From<&'a Transmitter> for TransmitterJson<'a> {
    fn from(one: &'a Transmitter) -> Self {
        Self {
            name: &one.name,
            issuer: &one.issuer,
            source: &one.source,
            delivery: &one.delivery,
            path: json::some(&one.path),
            stream: json::some(&one.stream),
            flow: &one.flow,
            why: json::some(&one.why),
            heard: json::time(one.heard_micros),
            verified: json::time(one.verified_micros),
            asked: json::time(one.asked_micros),
            trouble: json::some(&one.trouble),
            blind: json::some(&one.blind),
            received: one.received,
            refused: one.refused,
            tokens: one.tokens.iter().map(TokenJson::from).collect(),
        }
    }
}

impl<'a> From<&'a SetUpSignalsResponse> for SetUpJson<'a> {
    fn from(done: &'a SetUpSignalsResponse) -> Self {
        Self {
            transmitter: done.transmitter.as_ref().map(TransmitterJson::from),
            token: json::some(&done.token),
            advice: &done.advice,
        }
    }
}

impl<'a> From<&'a VerifySignalsResponse> for VerifiedJson<'a> {
    fn from(done: &'a VerifySignalsResponse) -> Self {
        Self { transmitter: done.transmitter.as_ref().map(TransmitterJson::from), verified: done.verified }
    }
}

/// All transmitters, one a line.
pub fn list_text(transmitters: &[Transmitter], page: &Page) -> String {
    if transmitters.is_empty() {
        return "No transmitter of shared signals is configured: write `[signals.NAME]`.\n".to_owned();
    }
    let mut table = Table::new(["transmitter", "delivery", "state", "verified", "signals", "refused"]);
    for one in transmitters {
        let verified = moment(one.verified_micros).map_or_else(|| "never".to_owned(), |at| page.age(at));
        table.push([
            shown(&one.name),
            shown(&one.delivery),
            word(one).to_owned(),
            verified,
            number(one.received),
            number(one.refused),
        ]);
    }
    table.laid_out(page)
}

/// One transmitter with all that is known.
pub fn text(one: &Transmitter, page: &Page) -> String {
    let time = |micros: i64, never: &str| if micros == 0 { never.to_owned() } else { page.time(micros) };
    let path = if one.path.is_empty() {
        String::new()
    } else {
        format!("{} below that of `[scim]`", shown(&one.path))
    };
    let flow = match one.why.as_str() {
        "" => shown(&one.flow),
        why => format!("{}: {}", shown(&one.flow), shown(why)),
    };
    let fields = Fields::new()
        .with("issuer", shown(&one.issuer))
        .with("about", format!("the people of the source {}", quoted(&one.source)))
        .with("delivery", shown(&one.delivery))
        .with("address", path)
        .with("stream", if one.stream.is_empty() { "none of ours".to_owned() } else { shown(&one.stream) })
        .with("it says", flow)
        .with("verified", time(one.verified_micros, "never"))
        .with("asked", time(one.asked_micros, ""))
        .with("heard", time(one.heard_micros, "not since the daemon started"))
        .with("signals", format!("{} taken, {} refused", number(one.received), number(one.refused)))
        .with("trouble", shown(&one.trouble))
        .with("blind", shown(&one.blind));
    let state = match word(one) {
        word @ "blind" => page.bad(word),
        word @ "verified" => page.good(word),
        word => page.warn(word),
    };
    let tokens = match one.tokens.as_slice() {
        [] => String::new(),
        tokens => format!("\n{}", tokens_text(tokens, page)),
    };
    format!("{}: {state}\n", page.bold(&shown(&one.name))) + &fields.laid_out(page) + &tokens
}

fn word(one: &Transmitter) -> &'static str {
    match () {
        () if !one.blind.is_empty() => "blind",
        () if !one.trouble.is_empty() => "in trouble",
        () if one.verified_micros != 0 => "verified",
        () if one.heard_micros != 0 => "heard",
        () => "silent",
    }
}

/// What came of `oam signals setup`.
pub fn set_up_text(done: &SetUpSignalsResponse, page: &Page) -> String {
    let token = match done.token.as_str() {
        "" => String::new(),
        token => format!("{}\n\nThis is shown once.\n", page.bold(&shown(token))),
    };
    let advice: String = done.advice.iter().map(|one| format!("To do: {}.\n", shown(one))).collect();
    token + &advice + &done.transmitter.as_ref().map(|one| text(one, page)).unwrap_or_default()
}

/// What came of `oam signals verify`.
pub fn verified_text(done: &VerifySignalsResponse, page: &Page) -> String {
    let said = if done.verified {
        page.good("The sign of life came.")
    } else {
        page.bad("No sign of life came: is the way to us open?")
    };
    format!("{said}\n{}", done.transmitter.as_ref().map(|one| text(one, page)).unwrap_or_default())
}
