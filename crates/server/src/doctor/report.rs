//! What was found, in lines for a person. Pure.

use super::visit::{Source, Visit};
use std::fmt;
use std::net::IpAddr;
use tincan_connectivity::{Findings, Reached, RelayProblem, sentence};
use tincan_relay::peers::PeerRules;

/// How a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Calls suffer.
    Bad,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How it is meant.
    pub mark: Mark,
    /// What was looked at.
    what: &'static str,
    /// What was found, and what helps.
    text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.mark {
            Mark::Good => "ok  ",
            Mark::Note => "note",
            Mark::Bad => "BAD ",
        };
        write!(f, "{mark}  {:<16} {}", self.what, self.text)
    }
}

/// All of it.
pub struct Report {
    /// In the order of looking.
    pub lines: Vec<Line>,
}

impl Report {
    /// Without findings if the server did not answer.
    pub fn new(visit: &Visit, findings: Option<&Findings>) -> Self {
        let mut report = Self { lines: vec![] };
        report.server(visit);
        if let Some(findings) = findings {
            report.relays(visit, findings);
            report.network(findings);
        }
        report
    }

    fn add(&mut self, mark: Mark, what: &'static str, text: impl Into<String>) {
        self.lines.push(Line { mark, what, text: text.into() });
    }

    fn server(&mut self, visit: &Visit) {
        let place = &visit.place;
        match &visit.answer {
            Ok(took) => {
                let text = format!("{place} answers after {} ms", took.as_millis());
                self.add(Mark::Good, "signalling", text);
            }
            Err(why) => {
                let text = format!("{place}: {why}; is the server running, and its port open?");
                self.add(Mark::Bad, "signalling", text);
            }
        }
        match &visit.sign_in {
            Some(Ok(())) => self.add(Mark::Good, "sign-in", "the server takes its own account"),
            Some(Err(why)) => {
                let text = format!(
                    "the server does not take the account of this database ({why}): is it the \
                     one that it runs with, and has it an echo contact?"
                );
                self.add(Mark::Note, "sign-in", text);
            }
            None => {}
        }
        let from = match visit.source {
            Source::HandedOut if visit.servers.is_empty() => {
                let text = "none is handed out: calls fail behind strict networks";
                return self.add(Mark::Note, "relay", text);
            }
            Source::HandedOut => "as the server hands it out to apps",
            Source::UsualWithSecret => "at its usual ports, with the shared secret",
            Source::Usual => {
                "at its usual ports and without credentials; on the server's machine, --database \
                 lets the doctor try it as apps do"
            }
        };
        if visit.answer.is_ok() {
            self.add(Mark::Note, "relay", format!("tried {from}"));
        }
        if visit.address.is_some_and(|ip| ip.is_loopback()) {
            let text = "reached over loopback: this says nothing of firewalls; name the address \
                        that apps use";
            self.add(Mark::Note, "way", text);
        }
    }

    fn relays(&mut self, visit: &Visit, findings: &Findings) {
        if visit.servers.is_empty() {
            return;
        }
        let with_right = visit.source != Source::Usual;
        for (what, port, reached) in [
            ("relay over UDP", "UDP", &findings.relay_udp),
            ("relay over TCP", "TCP", &findings.relay_tcp),
            ("relay over TLS", "TLS", &findings.relay_tls),
        ] {
            match reached {
                Ok(reached) => self.reached(visit, what, reached),
                Err(RelayProblem::Credentials | RelayProblem::Refused { code: 400 | 401, .. })
                    if !with_right =>
                {
                    self.add(Mark::Good, what, "answers, and asks for credentials");
                }
                Err(RelayProblem::Tls(why)) if visit.source != Source::HandedOut => {
                    let text = format!(
                        "answers with a certificate that only apps of this server know ({why})"
                    );
                    self.add(Mark::Note, what, text);
                }
                Err(RelayProblem::NotConfigured) => {
                    self.add(Mark::Note, what, "is not offered");
                }
                Err(problem) => {
                    let text = format!("{problem}; is its port open for {port}?");
                    self.add(Mark::Bad, what, text);
                }
            }
        }
    }

    fn reached(&mut self, visit: &Visit, what: &'static str, reached: &Reached) {
        let relayed = reached.relayed;
        let text = format!("{relayed} after {} ms", reached.round_trip.as_millis());
        let Some(server) = visit.address else { return self.add(Mark::Good, what, text) };
        if is_public(server) && !is_public(relayed.ip()) {
            let text = format!(
                "gives {relayed}, which the Internet cannot reach: start the server with \
                 --relay-external-ip {}={server}",
                relayed.ip()
            );
            self.add(Mark::Bad, what, text);
        } else if !is_public(server) && !is_public(relayed.ip()) {
            self.add(Mark::Good, what, format!("{text}, for this network alone"));
        } else {
            self.add(Mark::Good, what, text);
        }
    }

    fn network(&mut self, findings: &Findings) {
        let seen = findings.public_v4.known().or(findings.public_v6.known());
        match seen {
            Some(seen) => self.add(Mark::Good, "STUN", format!("sees this machine as {seen}")),
            None => {
                let text = "no answer: apps find no direct path; is the relay's port open for UDP?";
                self.add(Mark::Bad, "STUN", text);
            }
        }
        if let (Some(_), Some(why)) = (seen, findings.mapping.why()) {
            let text = format!("apps cannot tell every kind ({why}); see --relay-alternate-ip");
            self.add(Mark::Note, "NAT kinds", text);
        }
        if let Some(link) = findings.link.known() {
            let text = format!(
                "{} of {} packets came back through the relay, after {} ms",
                link.received,
                link.sent,
                link.round_trip.as_millis()
            );
            let mark = if link.loss() > 0.03 { Mark::Bad } else { Mark::Good };
            self.add(mark, "packets", text);
        }
        self.add(Mark::Note, "from here", sentence(findings));
    }
}

/// Whether it is one of the Internet's.
fn is_public(ip: IpAddr) -> bool {
    PeerRules::public_and(vec![]).allow(ip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use std::time::Duration;
    use tincan_connectivity::Finding;
    use tincan_proto::IceServer;

    fn visit(address: &str, source: Source) -> Visit {
        Visit {
            place: "call.example.org:4780".to_owned(),
            address: Some(address.parse().expect("an address")),
            answer: Ok(Duration::from_millis(2)),
            sign_in: None,
            servers: vec![IceServer::default()],
            source,
        }
    }

    fn findings(relay: Result<Reached, RelayProblem>) -> Findings {
        let unknown = || "no answer".to_owned();
        Findings {
            local: vec![],
            public_v4: Finding::Known("8.8.8.8:1".parse().expect("an address")),
            public_v6: Finding::Unknown { why: unknown(), possible: vec![] },
            udp: true,
            untranslated: false,
            mapping: Finding::Unknown { why: unknown(), possible: vec![] },
            filtering: Finding::Unknown { why: unknown(), possible: vec![] },
            relay_udp: relay.clone(),
            relay_tcp: relay.clone(),
            relay_tls: relay,
            link: Finding::Unknown { why: unknown(), possible: vec![] },
        }
    }

    fn reached(relayed: &str) -> Result<Reached, RelayProblem> {
        let relayed: SocketAddr = relayed.parse().expect("an address");
        Ok(Reached { round_trip: Duration::from_millis(3), relayed })
    }

    fn bad(report: &Report) -> Vec<&str> {
        let bad = report.lines.iter().filter(|line| line.mark == Mark::Bad);
        bad.map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_relay_behind_a_translator_is_told_the_option_that_helps() {
        let visit = visit("8.8.4.4", Source::HandedOut);
        let report = Report::new(&visit, Some(&findings(reached("10.0.0.5:50000"))));
        let bad = bad(&report);
        assert_eq!(bad.len(), 3, "each way to it");
        assert!(bad[0].contains("--relay-external-ip 10.0.0.5=8.8.4.4"), "{bad:?}");
    }

    #[test]
    fn a_relay_of_the_internet_or_of_one_network_is_well() {
        for (server, relayed) in [("8.8.4.4", "8.8.4.4:50000"), ("10.0.0.5", "10.0.0.5:50000")] {
            let visit = visit(server, Source::HandedOut);
            let report = Report::new(&visit, Some(&findings(reached(relayed))));
            assert!(bad(&report).is_empty(), "{:?}", report.lines);
        }
    }

    #[test]
    fn a_closed_port_is_bad_and_a_question_for_credentials_is_not() {
        let visit = visit("8.8.4.4", Source::Usual);
        let report = Report::new(&visit, Some(&findings(Err(RelayProblem::NoAnswer))));
        assert_eq!(bad(&report).len(), 3);
        let report = Report::new(&visit, Some(&findings(Err(RelayProblem::Credentials))));
        assert!(bad(&report).is_empty(), "{:?}", report.lines);
    }

    #[test]
    fn a_server_that_is_not_there_is_all_that_is_told() {
        let mut visit = visit("8.8.4.4", Source::Usual);
        visit.answer = Err("connection refused".to_owned());
        let report = Report::new(&visit, None);
        assert_eq!(report.lines.len(), 1, "{:?}", report.lines);
        assert!(bad(&report)[0].contains("connection refused"));
    }
}
