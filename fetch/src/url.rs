use std::{fmt, net::IpAddr, str::FromStr};

use http::Uri;
use thiserror::Error;

use crate::Form;

/// How long a URL may be: what some APIs give as the address of the next page is long.
const LONGEST: usize = 8192;

/// An absolute `https` or `http` URL of plain ASCII, without user and fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebUrl {
    uri: Uri,
    /// As it was written: issuers are compared to the letter.
    text: String,
}

/// Why a text is no URL that could be asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` is no URL that can be asked: {why}", .text.escape_debug())]
pub struct UrlError {
    text: String,
    why: &'static str,
}

impl WebUrl {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is `https`.
    pub fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        let host = self.uri.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// The host, where it is an address and no name.
    pub fn address(&self) -> Option<IpAddr> {
        self.host().parse().ok()
    }

    /// The port; the scheme's own unless another is written.
    pub fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// What stands in the first line of a request.
    pub(crate) fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    /// What stands in the header `Host`.
    pub(crate) fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// Whether scheme, host and port are the same.
    pub fn same_origin(&self, other: &Self) -> bool {
        self.is_https() == other.is_https()
            && self.host().eq_ignore_ascii_case(other.host())
            && self.port() == other.port()
    }

    /// A URL with the path `suffix` after this one's, as `/.well-known/…` is found.
    ///
    /// # Errors
    /// When that makes no URL.
    pub fn below(&self, suffix: &str) -> Result<Self, UrlError> {
        format!("{}{suffix}", self.text.trim_end_matches('/')).parse()
    }

    /// The same with the fields of a form as its query.
    ///
    /// # Errors
    /// When that makes no URL.
    pub fn with_query(&self, fields: &Form) -> Result<Self, UrlError> {
        match fields.encoded() {
            "" => Ok(self.clone()),
            query => {
                let mark = if self.text.contains('?') { '&' } else { '?' };
                format!("{}{mark}{query}", self.text).parse()
            }
        }
    }

    /// What a `Location` header leads to from here.
    pub(crate) fn to(&self, location: &str) -> Result<Self, UrlError> {
        if location.starts_with('/') && !location.starts_with("//") {
            let scheme = if self.is_https() { "https" } else { "http" };
            return format!("{scheme}://{}{location}", self.authority()).parse();
        }
        location.parse()
    }
}

impl FromStr for WebUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let fault = |why| UrlError { text: text.chars().take(200).collect(), why };
        if text.len() > LONGEST {
            return Err(fault("it is too long"));
        }
        if text.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(fault("it may only have visible ASCII characters"));
        }
        if text.contains('#') {
            return Err(fault("it has a fragment (`#`)"));
        }
        let uri: Uri = text.parse().map_err(|_| fault("write it as `https://host/path`"))?;
        if !matches!(uri.scheme_str(), Some("https" | "http")) {
            return Err(fault("it must begin with `https://`"));
        }
        let authority = uri.authority().ok_or_else(|| fault("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(fault("it has a user (`@`)"));
        }
        if authority.host().is_empty() {
            return Err(fault("it has no host"));
        }
        Ok(Self { text: text.to_owned(), uri })
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::WebUrl;

    #[test]
    fn what_is_no_url_is_told() {
        for (text, why) in [
            ("", "write it as"),
            ("id.example.com", "must begin with `https://`"),
            ("ftp://id.example.com", "must begin with `https://`"),
            ("file:///etc/passwd", "write it as"),
            ("https://", "write it as"),
            ("https://alice@id.example.com/", "a user"),
            ("https://id.example.com/#x", "a fragment"),
            ("https://id.example.com/ x", "visible ASCII"),
            ("https://id.ex\u{e4}mple.com/", "visible ASCII"),
            (&format!("https://id.example.com/{}", "a".repeat(9000)), "too long"),
        ] {
            let error = text.parse::<WebUrl>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn its_parts_are_found() {
        let url: WebUrl = "https://[::1]:8443/a/b?c=d".parse().unwrap();
        assert_eq!((url.host(), url.port(), url.path_and_query()), ("::1", 8443, "/a/b?c=d"));
        assert!(url.address().unwrap().is_loopback());
        let url: WebUrl = "http://id.example.com".parse().unwrap();
        assert_eq!(
            (url.host(), url.port(), url.path_and_query(), url.is_https()),
            ("id.example.com", 80, "/", false)
        );
        assert_eq!(url.below("/.well-known/x").unwrap().as_str(), "http://id.example.com/.well-known/x");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let from: WebUrl = "https://id.example.com/a".parse().unwrap();
        for (to, same) in [
            ("/b", true),
            ("https://ID.example.com:443/b", true),
            ("http://id.example.com/b", false),
            ("https://id.example.com:8443/b", false),
            ("https://evil.example/b", false),
            ("https://id.example.com.evil.example/b", false),
        ] {
            assert_eq!(from.same_origin(&from.to(to).unwrap()), same, "{to}");
        }
        assert!(from.to("//evil.example/b").is_err(), "no scheme: not to be guessed");
    }
}
