//! DTLS without the round trip for its cookie.
//!
//! A DTLS server may ask a client to say hello again with a cookie (RFC 6347, section 4.2.1), so
//! that nobody makes it work under a false address. ICE has shown both addresses by then, and
//! browsers do not ask; `rtc-dtls` 0.21.1 always does. So each description carries the cookie
//! that its sender will want. Whoever turns out to be the client answers its own first hello
//! with it, and only the second one travels; the server's side takes the first out of it. What the
//! two agree on does not change by this: the first hello and its answer are not part of it. A far
//! side whose description carries no cookie meets DTLS as it is.

use super::framing::{look, reframe};
use rtc_crypto::{CryptoError, RTCCrypto, RTCCryptoProvider, RTCRandom};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Length of the crate's cookies; nothing else that it draws at random is as long.
const LENGTH: usize = 20;
/// What a description calls it.
const ATTRIBUTE: &str = "a=x-tincan-dtls-cookie:";
/// A record of a handshake (RFC 6347, section 4.1).
const HANDSHAKE: u8 = 22;
const RECORD_HEADER: usize = 13;
/// Handshake messages (RFC 6347, section 4.3.2).
const CLIENT_HELLO: u8 = 1;
const HELLO_VERIFY_REQUEST: u8 = 3;
const MESSAGE_HEADER: usize = 12;
/// DTLS 1.2.
const VERSION: [u8; 2] = [0xfe, 0xfd];
/// A hello begins with its version and 32 random bytes.
const BEFORE_SESSION: usize = 34;

type Cookie = [u8; LENGTH];

/// What is to be done with a datagram that leaves.
#[derive(Debug, PartialEq, Eq)]
pub enum Leaving {
    /// It is sent.
    Send,
    /// Nobody needs it.
    Keep,
    /// It is kept, and this comes back in the other side's place.
    Answered(Vec<u8>),
}

/// The cookies of one connection.
#[derive(Debug)]
pub struct Cookies {
    own: Cookie,
    theirs: OnceLock<Cookie>,
    /// The other side has said hello with our cookie.
    known: AtomicBool,
    /// The crate has asked for the cookie that the other side knew.
    asked: AtomicBool,
}

impl Cookies {
    /// With a fresh one.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            own: rand::random(),
            theirs: OnceLock::new(),
            known: AtomicBool::new(false),
            asked: AtomicBool::new(false),
        })
    }

    /// Writes the own cookie into a description.
    pub fn announce(&self, sdp: &str) -> String {
        let mut line = String::from(ATTRIBUTE);
        for byte in self.own {
            let _ = write!(line, "{byte:02x}");
        }
        line.push_str("\r\n");
        let mut sdp = sdp.to_owned();
        // Before the first medium, where what concerns the whole session stands.
        let place = sdp.find("\r\nm=").map_or(sdp.len(), |at| at + 2);
        sdp.insert_str(place, &line);
        sdp
    }

    /// Reads the other side's cookie from its description, if there is one.
    pub fn learn(&self, sdp: &str) {
        let mut lines = sdp.lines();
        if let Some(cookie) = lines.find_map(|line| read(line.strip_prefix(ATTRIBUTE)?)) {
            // A later description of the same connection says the same.
            let _ = self.theirs.set(cookie);
        }
    }

    /// Whether the other side has announced one: it does as this side does.
    pub fn is_announced(&self) -> bool {
        self.theirs.get().is_some()
    }

    /// Looks at a datagram that leaves.
    pub fn leaving(&self, datagram: &[u8]) -> Leaving {
        let content = look(datagram).content;
        let Some(message) = message_type(content) else { return Leaving::Send };
        if message == HELLO_VERIFY_REQUEST && self.known.load(Ordering::Acquire) {
            self.asked.store(true, Ordering::Release);
            return Leaving::Keep;
        }
        let (Some(theirs), Some(hello)) = (self.theirs.get(), Hello::read(content)) else {
            return Leaving::Send;
        };
        let answer = hello.cookie.is_empty().then(|| reframe(datagram, &verify_request(theirs)));
        answer.flatten().map_or(Leaving::Send, Leaving::Answered)
    }

    /// Looks at a datagram that arrives from the network: what is to be read before it, if
    /// anything is.
    pub fn arriving(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        let content = look(datagram).content;
        let hello = Hello::read(content).filter(|hello| hello.cookie == self.own)?;
        self.known.store(true, Ordering::Release);
        // Before the crate has found a path it hears nothing of what comes.
        let needed = !self.asked.load(Ordering::Acquire);
        needed.then(|| reframe(datagram, &hello.without_cookie())).flatten()
    }
}

fn read(hex: &str) -> Option<Cookie> {
    let digits = hex.as_bytes();
    if digits.len() != 2 * LENGTH || !hex.is_ascii() {
        return None;
    }
    let mut cookie = [0; LENGTH];
    for (byte, pair) in cookie.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(cookie)
}

fn message_type(content: &[u8]) -> Option<u8> {
    // Of epoch 0: later ones are encrypted.
    let plain = content.first() == Some(&HANDSHAKE) && content.get(3..5) == Some(&[0, 0]);
    content.get(RECORD_HEADER).copied().filter(|_| plain)
}

/// A client's hello, alone and whole in its record.
struct Hello<'a> {
    content: &'a [u8],
    /// Where the cookie's length stands.
    at: usize,
    cookie: &'a [u8],
}

impl<'a> Hello<'a> {
    fn read(content: &'a [u8]) -> Option<Self> {
        let body = RECORD_HEADER + MESSAGE_HEADER;
        if message_type(content)? != CLIENT_HELLO || content.len() < body {
            return None;
        }
        let record = usize::from(u16::from_be_bytes([content[11], content[12]]));
        let length = &content[RECORD_HEADER + 1..RECORD_HEADER + 4];
        let fragment = &content[RECORD_HEADER + 9..body];
        let start = &content[RECORD_HEADER + 6..RECORD_HEADER + 9];
        let whole = RECORD_HEADER + record == content.len()
            && length == fragment
            && start == [0, 0, 0]
            && length == &(u32::try_from(content.len() - body).ok()?.to_be_bytes())[1..];
        let session = usize::from(*content.get(body + BEFORE_SESSION)?);
        let at = body + BEFORE_SESSION + 1 + session;
        let cookie = content.get(at + 1..at + 1 + usize::from(*content.get(at)?))?;
        whole.then_some(Self { content, at, cookie })
    }

    /// The hello before this one: the first of its handshake, without a cookie.
    fn without_cookie(&self) -> Vec<u8> {
        let Self { content, at, cookie } = *self;
        let body = content.len() - cookie.len() - RECORD_HEADER - MESSAGE_HEADER;
        let length = &(body as u32).to_be_bytes()[1..];
        let mut first = Vec::with_capacity(content.len());
        first.extend(&content[..3]);
        first.extend([0; 8]); // epoch and number
        first.extend(((body + MESSAGE_HEADER) as u16).to_be_bytes());
        first.push(CLIENT_HELLO);
        first.extend(length);
        first.extend([0; 2 + 3]); // number, and where the fragment begins
        first.extend(length);
        first.extend(&content[RECORD_HEADER + MESSAGE_HEADER..at]);
        first.push(0);
        first.extend(&content[at + 1 + cookie.len()..]);
        first
    }
}

/// What a server says that wants this cookie.
fn verify_request(cookie: &Cookie) -> Vec<u8> {
    let body = VERSION.len() + 1 + LENGTH;
    let length = &(body as u32).to_be_bytes()[1..];
    let mut request = vec![HANDSHAKE];
    request.extend(VERSION);
    request.extend([0; 8]); // epoch and number
    request.extend(((body + MESSAGE_HEADER) as u16).to_be_bytes());
    request.push(HELLO_VERIFY_REQUEST);
    request.extend(length);
    request.extend([0; 2 + 3]); // number, and where the fragment begins
    request.extend(length);
    request.extend(VERSION);
    request.push(LENGTH as u8);
    request.extend(cookie);
    request
}

/// The crate's cryptography, whose next cookie is known.
pub struct Provider {
    inner: Arc<dyn RTCCryptoProvider>,
    cookies: Arc<Cookies>,
}

impl Provider {
    /// Around the one that the crate would choose itself.
    ///
    /// # Errors
    /// If it was built with none.
    pub fn new(cookies: Arc<Cookies>) -> Result<Self, CryptoError> {
        Ok(Self { inner: rtc_crypto::default_provider()?, cookies })
    }
}

impl RTCCryptoProvider for Provider {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self.inner.crypto()
    }

    fn random(&self) -> &dyn RTCRandom {
        self
    }
}

impl RTCRandom for Provider {
    fn fill(&self, output: &mut [u8]) -> Result<(), CryptoError> {
        if output.len() == LENGTH {
            output.copy_from_slice(&self.cookies.own);
            return Ok(());
        }
        self.inner.random().fill(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hello of the crate, as far as it matters here.
    fn hello(cookie: &[u8], number: u8) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([7; 32]);
        body.push(0);
        body.push(cookie.len() as u8);
        body.extend(cookie);
        body.extend([0, 2, 0xc0, 0x2b, 1, 0]);
        let length = &(body.len() as u32).to_be_bytes()[1..];
        let mut record = vec![HANDSHAKE, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number];
        record.extend(((body.len() + MESSAGE_HEADER) as u16).to_be_bytes());
        record.push(CLIENT_HELLO);
        record.extend(length);
        record.extend([0, number, 0, 0, 0]);
        record.extend(length);
        record.extend(body);
        record
    }

    fn two() -> (Arc<Cookies>, Arc<Cookies>) {
        let (client, server) = (Cookies::new(), Cookies::new());
        client.learn(&server.announce("v=0\r\ns=-\r\nm=audio\r\na=x\r\n"));
        (client, server)
    }

    #[test]
    fn the_cookie_stands_before_the_media_of_a_description() {
        let sdp = Cookies::new().announce("v=0\r\nt=0 0\r\nm=audio 9\r\na=mid:0\r\n");
        let place = sdp.find(ATTRIBUTE).expect("it is there");
        assert!(sdp.starts_with("v=0\r\nt=0 0\r\na=x-") && place < sdp.find("m=").expect("media"));
        assert!(sdp.ends_with("m=audio 9\r\na=mid:0\r\n"));
    }

    #[test]
    fn only_the_second_hello_travels_and_the_first_is_taken_out_of_it() {
        let (client, server) = two();
        let Leaving::Answered(answer) = client.leaving(&hello(&[], 0)) else {
            panic!("the first hello stays");
        };
        assert_eq!(message_type(&answer), Some(HELLO_VERIFY_REQUEST));
        assert_eq!(answer[answer.len() - LENGTH..], server.own);
        let second = hello(&server.own, 1);
        assert_eq!(client.leaving(&second), Leaving::Send);
        assert_eq!(server.arriving(&second), Some(hello(&[], 0)));
        assert_eq!(server.arriving(&second), Some(hello(&[], 0)), "nobody listened");
        assert_eq!(server.leaving(&answer), Leaving::Keep, "the client has it");
        assert_eq!(server.arriving(&second), None, "a copy");
    }

    #[test]
    fn through_a_relay_it_is_the_same() {
        let (client, server) = two();
        let framed = |content: &[u8]| {
            let mut message = vec![0x40, 0x01];
            message.extend((content.len() as u16).to_be_bytes());
            message.extend(content);
            message
        };
        let Leaving::Answered(answer) = client.leaving(&framed(&hello(&[], 0))) else {
            panic!("the first hello stays");
        };
        assert_eq!(answer, framed(&verify_request(&server.own)));
        let first = server.arriving(&framed(&hello(&server.own, 1)));
        assert_eq!(first, Some(framed(&hello(&[], 0))));
    }

    #[test]
    fn who_announces_no_cookie_meets_dtls_as_it_is() {
        let cookies = Cookies::new();
        cookies.learn("v=0\r\nm=audio\r\n");
        cookies.learn("v=0\r\na=x-tincan-dtls-cookie:zz\r\n");
        assert_eq!(cookies.leaving(&hello(&[], 0)), Leaving::Send);
        assert_eq!(cookies.leaving(&verify_request(&cookies.own)), Leaving::Send);
        assert_eq!(cookies.arriving(&hello(&[], 0)), None);
        assert_eq!(cookies.arriving(&hello(&[9; LENGTH], 1)), None, "not ours");
    }

    #[test]
    fn what_is_cut_or_broken_passes() {
        let (client, server) = two();
        let (first, second) = (hello(&[], 0), hello(&server.own, 1));
        for length in 0..first.len() {
            assert_eq!(client.leaving(&first[..length]), Leaving::Send, "{length}");
        }
        for length in 0..second.len() {
            assert_eq!(server.arriving(&second[..length]), None, "{length}");
        }
    }
}
