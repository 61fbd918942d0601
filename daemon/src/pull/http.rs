use std::{collections::HashSet, fs, path::Path, time::Duration};

use oam_fetch::{Answer, Client, Secret, StatusCode, WebUrl};
use oam_policy::Digest;
use serde::de::DeserializeOwned;

use super::PullError;
use crate::config::PullConfig;

/// How long an answer may take: a page of a long list.
const TIME: Duration = Duration::from_secs(60);
/// And how large it may be.
const BYTES: usize = 16 << 20;
/// How large a file with a secret may be.
const SECRET_BYTES: usize = 16 << 10;

/// How many pages a list may have.
const MOST_PAGES: usize = 50_000;

/// The pages of one list that were asked for already: each page says where the next one is, and none need be the last.
#[derive(Debug, Default)]
pub(super) struct Trail(HashSet<Digest>);

impl Trail {
    /// Goes on to a page.
    pub(super) fn step(&mut self, what: &str, place: &str) -> Result<(), PullError> {
        let strange = |detail| Err(PullError::Strange { what: what.to_owned(), detail });
        if self.0.len() >= MOST_PAGES {
            return strange("the list has no end: it was left after 50,000 pages");
        }
        if !self.0.insert(Digest::of(place.as_bytes())) {
            return strange("the list goes round in circles: a page names one that was read as the next one");
        }
        Ok(())
    }
}

/// Whoever asks.
pub(super) fn client(pull: &PullConfig) -> Result<Client, PullError> {
    Ok(Client::new(pull.network, pull.ca.as_deref())?.bounded(TIME, BYTES))
}

/// The token or secret that a file holds now: another one that is put there is used from then on.
pub(super) fn secret(path: &Path) -> Result<Secret, PullError> {
    let fault = |detail: String| PullError::Secret { path: path.display().to_string(), detail };
    let text = fs::read_to_string(path).map_err(|error| fault(format!("cannot be read: {error}")))?;
    let text = Secret::new(text);
    let secret = text.reveal().trim();
    let is_one = !secret.is_empty()
        && secret.len() <= SECRET_BYTES
        && secret.bytes().all(|byte| byte.is_ascii_graphic());
    if is_one {
        Ok(Secret::new(secret))
    } else {
        Err(fault("holds no secret: one line of visible ASCII characters".into()))
    }
}

/// What a good answer says.
pub(super) fn said<T: DeserializeOwned>(what: &str, answer: &Answer) -> Result<T, PullError> {
    granted(what, answer)?;
    answer.said().map_err(|source| PullError::Fetch { what: what.to_owned(), source })
}

/// Makes sure that an answer is a good one.
pub(super) fn granted(what: &str, answer: &Answer) -> Result<(), PullError> {
    let status = answer.status;
    if status.is_success() {
        return Ok(());
    }
    let hint = match status {
        StatusCode::UNAUTHORIZED => ". Look at the token or secret in its file, and whether it has ended",
        StatusCode::FORBIDDEN => ". Whoever asks may not read that: look at their rights there",
        _ => "",
    };
    Err(PullError::Refused { what: what.to_owned(), status, hint })
}

/// An address that an answer names, if it is on the host that was asked.
pub(super) fn on_same_host(what: &str, asked: &WebUrl, place: &str) -> Result<WebUrl, PullError> {
    match place.parse::<WebUrl>() {
        Ok(next) if next.same_origin(asked) => Ok(next),
        _ => Err(PullError::Elsewhere { what: what.to_owned(), place: place.chars().take(200).collect() }),
    }
}

/// The target of the link with the relation `next` (RFC 8288).
pub(super) fn next_link(answer: &Answer) -> Option<&str> {
    answer.header("link").find_map(next_of)
}

fn next_of(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, behind) = after.split_once('>')?;
        let parameters = behind.split('<').next().unwrap_or_default();
        let is_next = |parameter: &str| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let value = value.trim().trim_end_matches(',').trim_end().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel") && value.eq_ignore_ascii_case("next")
        };
        if parameters.split(';').any(is_next) {
            return Some(target);
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_PAGES, Trail, next_of, on_same_host, secret};

    #[test]
    fn the_next_page_is_found_among_links() {
        for (header, next) in [
            ("<https://a/x?after=1>; rel=\"next\"", Some("https://a/x?after=1")),
            ("<https://a/x>; rel=\"self\", <https://a/y,z>; title=\"a\"; REL=next", Some("https://a/y,z")),
            ("<https://a/y>;rel=\"next\", <https://a/x>; rel=\"self\"", Some("https://a/y")),
            ("<https://a/x>; rel=\"self\"", None),
            ("<https://a/x>; title=\"next\"", None),
            ("<https://a/x", None),
            ("rel=\"next\"", None),
            ("", None),
        ] {
            assert_eq!(next_of(header), next, "{header}");
        }
    }

    #[test]
    fn only_the_host_that_was_asked_is_asked_on() {
        let asked = "https://a.example/x".parse().unwrap();
        assert!(on_same_host("", &asked, "https://a.example/y?z").is_ok());
        for place in
            ["https://b.example/y", "http://a.example/y", "https://a.example:8443/y", "/y", "", "x\u{1b}"]
        {
            let error = on_same_host("a page", &asked, place).unwrap_err().to_string();
            assert!(error.contains("another host") && !error.contains('\u{1b}'), "{error}");
        }
    }

    #[test]
    fn no_list_is_endless() {
        let mut trail = Trail::default();
        for page in 0..MOST_PAGES {
            trail.step("users", &format!("/users?page={page}")).unwrap();
        }
        let error = trail.step("users", "/users?page=x").unwrap_err().to_string();
        assert!(error.contains("users: the list has no end") && error.contains("50,000"), "{error}");
        let mut trail = Trail::default();
        for page in ["a", "b", "c"] {
            trail.step("groups", page).unwrap();
        }
        let error = trail.step("groups", "a").unwrap_err().to_string();
        assert!(error.contains("groups: the list goes round in circles"), "{error}");
    }

    #[test]
    fn a_file_without_a_secret_is_told_of_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(secret(&path).unwrap_err().to_string().contains("cannot be read"));
        for text in ["", " \n", "two words\n", "s3cr\u{e4}t", &"x".repeat(20_000)] {
            std::fs::write(&path, text).unwrap();
            let error = secret(&path).unwrap_err().to_string();
            assert!(error.contains("holds no secret") && !error.contains("words"), "{error}");
        }
        std::fs::write(&path, "00abc\n").unwrap();
        assert_eq!(secret(&path).unwrap().reveal(), "00abc");
    }
}
