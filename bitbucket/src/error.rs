use oam_fetch::{FetchError, StatusCode};
use oam_policy::printable::Printable;
use serde::Deserialize;
use thiserror::Error;

/// How much of what Bitbucket says is repeated.
const REPEATED: usize = 2_000;

/// Something that was asked of Bitbucket and not answered as hoped.
#[derive(Debug, Error)]
#[error("{doing}: {problem}")]
pub struct Error {
    /// What was tried, as in `reading the projects`.
    pub doing: String,
    /// What came of it.
    pub problem: Problem,
}

/// Why something asked of Bitbucket came to nothing.
#[derive(Debug, Error)]
pub enum Problem {
    /// No answer.
    #[error("Bitbucket does not answer: {0}")]
    NoAnswer(#[from] FetchError),
    /// 401 or 403. Bitbucket answers 401 also where the token is good and its user may not do that.
    #[error("Bitbucket does not take the token, or its user may not do that{}", and_says(.0))]
    NotAllowed(String),
    /// 404.
    #[error("Bitbucket does not know it, or does not show it to the token's user{}", and_says(.0))]
    NotFound(String),
    /// 429, again and again.
    #[error("Bitbucket limits how often it may be asked, and did not let up")]
    Busy,
    /// Any other answer that is not a good one.
    #[error("Bitbucket answers {status}{}", and_says(.says))]
    Said {
        /// The status.
        status: StatusCode,
        /// Its messages.
        says: String,
    },
    /// A good answer that is not understood.
    #[error("Bitbucket's answer is not understood: {0}")]
    Strange(String),
}

/// `{"errors":[{"context":…,"message":…,"exceptionName":…}]}`
#[derive(Debug, Deserialize)]
struct Errors {
    errors: Vec<OneError>,
}

#[derive(Debug, Deserialize)]
struct OneError {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    vetoes: Vec<Veto>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Veto {
    #[serde(default)]
    summary_message: Option<String>,
    #[serde(default)]
    detailed_message: Option<String>,
}

impl Problem {
    /// What an answer says that is not a good one.
    pub(crate) fn of(status: StatusCode, body: &[u8]) -> Self {
        let says = said(body);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::NotAllowed(says),
            StatusCode::NOT_FOUND => Self::NotFound(says),
            StatusCode::TOO_MANY_REQUESTS => Self::Busy,
            status => Self::Said { status, says },
        }
    }
}

impl Error {
    /// Whether Bitbucket says that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self.problem, Problem::NotFound(_))
    }

    /// Whether there was no answer at all.
    pub fn is_silence(&self) -> bool {
        matches!(self.problem, Problem::NoAnswer(_))
    }

    /// Whether the token is not taken, or its user may not do that.
    pub fn is_not_allowed(&self) -> bool {
        matches!(self.problem, Problem::NotAllowed(_))
    }

    /// Whether there was too much asking.
    pub fn is_busy(&self) -> bool {
        matches!(self.problem, Problem::Busy)
    }
}

/// All that an answer says to people, safe to be printed; nothing when it says it in another way.
fn said(body: &[u8]) -> String {
    let Ok(Errors { errors }) = serde_json::from_slice(body) else { return String::new() };
    let mut texts: Vec<String> = Vec::new();
    for error in errors {
        let vetoes = error.vetoes.into_iter().flat_map(|veto| [veto.summary_message, veto.detailed_message]);
        for text in std::iter::once(error.message).chain(vetoes).flatten() {
            // Bitbucket repeats itself.
            if !texts.iter().any(|known| known.contains(text.trim())) {
                texts.push(text.trim().to_owned());
            }
        }
    }
    let text: String = texts.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    Printable::new(&text.chars().take(REPEATED).collect::<String>()).to_string()
}

fn and_says(says: &str) -> String {
    if says.is_empty() { String::new() } else { format!(": {says}") }
}

#[cfg(test)]
mod tests {
    use super::{Problem, StatusCode};

    fn told(status: u16, body: &str) -> String {
        Problem::of(StatusCode::from_u16(status).unwrap(), body.as_bytes()).to_string()
    }

    #[test]
    fn what_bitbucket_says_is_repeated_plainly() {
        let body = r#"{"errors":[{"context":null,"message":"No\u001b[31m.","exceptionName":"x"}]}"#;
        let text = told(409, body);
        assert!(text.starts_with("Bitbucket answers 409") && text.contains("No"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
        let vetoed = r#"{"errors":[{"message":"a","vetoes":[{"summaryMessage":"oam declined","detailedMessage":"b\nc"}]}]}"#;
        assert!(told(409, vetoed).ends_with(": a oam declined b c"), "{}", told(409, vetoed));
        assert_eq!(told(502, "<html>"), "Bitbucket answers 502 Bad Gateway");
    }

    #[test]
    fn a_long_text_is_cut() {
        let body = format!(r#"{{"errors":[{{"message":"{}"}}]}}"#, "x".repeat(100_000));
        assert!(told(500, &body).len() < 2_100);
    }
}
