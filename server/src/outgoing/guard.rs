//! Which addresses may be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks of the operator's own that may be called, such as `10.1.0.0/16`. All public addresses may be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Networks(Vec<Network>);

#[derive(Clone, Copy, Debug)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Networks {
    /// Reads networks in the form `ADDRESS/PREFIX`, or single addresses.
    ///
    /// # Errors
    /// The text that is no network.
    pub(crate) fn parse(texts: &[String]) -> Result<Self, String> {
        texts.iter().map(|text| Network::parse(text)).collect::<Result<_, _>>().map(Self)
    }

    /// Everywhere: for addresses that the operator alone writes.
    pub(crate) fn all() -> Self {
        let network = |address| Network { address, prefix: 0 };
        Self(vec![network(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), network(IpAddr::V6(Ipv6Addr::UNSPECIFIED))])
    }

    /// Whether an address may be called: it is public, or in one of these networks.
    pub(crate) fn permit(&self, address: IpAddr) -> bool {
        let address = unmapped(address);
        is_public(address) || self.0.iter().any(|network| network.contains(address))
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no network: write it such as 10.1.0.0/16");
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), |prefix| prefix.parse().map_err(|_| wrong()))?;
        if prefix > most { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }

    fn contains(&self, address: IpAddr) -> bool {
        let common = |differs: u128, width: u32| {
            width.saturating_sub(u128::BITS.saturating_sub(differs.leading_zeros())) >= u32::from(self.prefix)
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                common(u128::from(own.to_bits() ^ other.to_bits()), Ipv4Addr::BITS)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => common(own.to_bits() ^ other.to_bits(), Ipv6Addr::BITS),
            _ => false,
        }
    }
}

/// The IPv4 address that an IPv6 address stands for, if it does: mapped (RFC 4291), or behind a translator (NAT64, RFC
/// 6052; 6to4, RFC 3056).
fn unmapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, _, _, _, _, _] => v4(high, low),
        _ => address,
    }
}

/// Whether an address is one that anybody can call, by the special-purpose registries of IANA.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        // Only global unicast (RFC 4291) is routed on the internet.
        IpAddr::V6(v6) => match v6.segments() {
            // Protocol assignments, documentation and benchmarks, except for what is global unicast among them.
            [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
            [0x3fff, second, ..] => second >= 0x1000,
            [first, ..] => (0x2000..0x4000).contains(&first),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = match first {
        // This network, private ones (RFC 1918), loopback; multicast, reserved, broadcast.
        0 | 10 | 127 | 224.. => true,
        // Shared by carriers (RFC 6598).
        100 => (64..128).contains(&second),
        // Link-local, with the metadata services of clouds.
        169 => second == 254,
        172 => (16..32).contains(&second),
        // Private, protocol assignments, documentation, AS112, and relays of 6to4.
        192 => {
            second == 168
                || [(0, 0), (0, 2), (31, 196), (52, 193), (88, 99), (175, 48)].contains(&(second, third))
        }
        // Benchmarks and documentation.
        198 => matches!(second, 18 | 19) || (second, third) == (51, 100),
        203 => (second, third) == (0, 113),
        _ => false,
    };
    !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(networks: &[&str], address: &str) -> bool {
        let networks: Vec<String> = networks.iter().map(|text| (*text).to_owned()).collect();
        Networks::parse(&networks).unwrap().permit(address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_are_called() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(permits(&[], public), "{public}");
        }
        for other in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "100::1",
            "64:ff9b:1::1",
            "5f00::1",
        ] {
            assert!(!permits(&[], other), "{other}");
        }
        assert!(permits(&[], "::ffff:8.8.8.8") && permits(&[], "64:ff9b::808:808"));
    }

    #[test]
    fn an_operator_may_allow_networks() {
        assert!(permits(&["10.1.0.0/16"], "10.1.255.255") && !permits(&["10.1.0.0/16"], "10.2.0.0"));
        assert!(permits(&["127.0.0.1"], "127.0.0.1") && !permits(&["127.0.0.1"], "127.0.0.2"));
        assert!(permits(&["127.0.0.0/8"], "::ffff:127.0.0.1"), "in whichever form it is written");
        assert!(permits(&["fd00::/8"], "fd99::1") && !permits(&["fd00::/8"], "fc00::1"));
        assert!(
            permits(&["0.0.0.0/0"], "10.0.0.1")
                && !permits(&["0.0.0.0/0"], "::1")
                && permits(&["::/0"], "::1")
        );
        for wrong in ["", "10.0.0.0/33", "::/129", "localhost", "10.0.0.0/x", "10.0.0/8"] {
            assert!(Networks::parse(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
