use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a host may lie. Whoever can name a host to us must not make us ask in a network that only we can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// Out in the internet.
    #[default]
    Public,
    /// There, or in the company's own network.
    Private,
    /// There, or on this machine: for trials and tests. Only here is plain HTTP allowed.
    Loopback,
}

impl Network {
    /// Every one, with the widest last.
    pub const ALL: [Self; 3] = [Self::Public, Self::Private, Self::Loopback];

    /// The word for it in a configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
        }
    }

    /// The one with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|network| network.as_str() == name)
    }

    /// Whether a connection to `address` may be made.
    pub fn allows(self, address: IpAddr) -> bool {
        match place(address) {
            Place::Public => true,
            Place::Private => self != Self::Public,
            Place::Loopback => self == Self::Loopback,
            Place::Nowhere => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Public,
    Private,
    Loopback,
    /// Not the address of one host that could be meant: unspecified, multicast, link-local (where clouds keep their
    /// metadata), documentation, reserved.
    Nowhere,
}

fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Place {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (127, ..) => Place::Loopback,
        // Also the space that carriers share (RFC 6598).
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Place::Private,
        (0 | 224.., ..)
        | (169, 254, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113) => Place::Nowhere,
        _ => Place::Public,
    }
}

fn v6(address: Ipv6Addr) -> Place {
    if address == Ipv6Addr::LOCALHOST {
        return Place::Loopback;
    }
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        // An IPv4 address in other clothes: mapped, translated (RFC 6052), 6to4.
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0xffff) => inner(g, h),
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => inner(g, h),
        (0x2002, high) => inner(high, c),
        (0xfc00..=0xfdff, _) => Place::Private,
        // Teredo and others for protocols of their own; documentation.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => Place::Nowhere,
        (0x2000..=0x3fff, _) => Place::Public,
        _ => Place::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::Network::{self, Loopback, Private, Public};

    #[test]
    fn only_what_was_allowed_is_reached() {
        for (address, from) in [
            ("1.1.1.1", Some(Public)),
            ("2606:4700::1111", Some(Public)),
            ("10.1.2.3", Some(Private)),
            ("172.16.0.1", Some(Private)),
            ("172.32.0.1", Some(Public)),
            ("192.168.1.1", Some(Private)),
            ("100.64.0.1", Some(Private)),
            ("fd00::1", Some(Private)),
            ("127.0.0.1", Some(Loopback)),
            ("127.9.9.9", Some(Loopback)),
            ("::1", Some(Loopback)),
            // Clouds hand out credentials there.
            ("169.254.169.254", None),
            ("fe80::1", None),
            ("0.0.0.0", None),
            ("::", None),
            ("224.0.0.1", None),
            ("255.255.255.255", None),
            ("ff02::1", None),
            ("2001:db8::1", None),
            // IPv4 in other clothes.
            ("::ffff:169.254.169.254", None),
            ("::ffff:10.0.0.1", Some(Private)),
            ("::ffff:127.0.0.1", Some(Loopback)),
            ("64:ff9b::a9fe:a9fe", None),
            ("2002:7f00:1::", Some(Loopback)),
            ("::127.0.0.1", None),
        ] {
            let address = address.parse().unwrap();
            let allowed: Vec<_> =
                Network::ALL.into_iter().filter(|network| network.allows(address)).collect();
            let expected = match from {
                Some(Public) => vec![Public, Private, Loopback],
                Some(Private) => vec![Private, Loopback],
                Some(Loopback) => vec![Loopback],
                None => vec![],
            };
            assert_eq!(allowed, expected, "{address}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for network in Network::ALL {
            assert_eq!(Network::parse(network.as_str()), Some(network));
        }
        assert_eq!(Network::parse("everywhere"), None);
    }
}
