use std::fmt;

use crate::{limits, v1::ShownLease};

impl ShownLease {
    /// What a hook tells of the tokens that were given, each as it came; `None` where there is none.
    pub fn of<'t>(tokens: impl IntoIterator<Item = &'t [u8]>) -> Option<Self> {
        let told = |token: &[u8]| match token.len() <= limits::LEASE_TOKEN_BYTES {
            true => token.to_vec(),
            false => Vec::new(),
        };
        let tokens: Vec<_> = tokens.into_iter().take(2).map(told).collect();
        (!tokens.is_empty()).then_some(Self { tokens })
    }
}

/// How many there are, and nothing else.
impl fmt::Debug for ShownLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.tokens.iter().map(|_| format_args!("***"))).finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::v1::{AuthorizeRequest, ShownLease};

    #[test]
    fn tokens_are_few_short_and_not_printed() {
        assert_eq!(ShownLease::of([]), None);
        let long = vec![b'a'; 8 * 1024 + 1];
        let shown = ShownLease::of([&b"hunter2"[..], &long, b"three"]).unwrap();
        assert_eq!(shown.tokens, [b"hunter2".to_vec(), Vec::new()]);
        let request = AuthorizeRequest { step: None, lease: Some(shown) };
        let printed = format!("{request:?}");
        assert!(printed.contains("lease: Some([***, ***])") && !printed.contains("104, 117"), "{printed}");
    }
}
