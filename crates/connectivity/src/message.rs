//! Writes and reads the few STUN and TURN messages of a check (RFC 8489, RFC 8656, RFC 5780).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use stun_types::attribute::{
    AttributeType, ErrorCode, Nonce, RawAttribute, Realm, Username, XorMappedAddress,
};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass,
    MessageIntegrityCredentials, MessageWriteVec, TransactionId,
};
use stun_types::prelude::{AttributeWrite, MessageWrite, MessageWriteExt};
use turn_types::attribute::{
    Data, Lifetime, RequestedTransport, XorPeerAddress, XorRelayedAddress,
};
use turn_types::message::{ALLOCATE, CREATE_PERMISSION, DATA, REFRESH, SEND};

/// RFC 5780, section 7.2.
const CHANGE_REQUEST: AttributeType = AttributeType::new(0x0003);
/// RFC 5780, section 7.4.
const OTHER_ADDRESS: AttributeType = AttributeType::new(0x802c);
/// RFC 8656, section 14.
const UDP: u8 = 17;

/// A request with the id that its answer must carry.
#[derive(Debug)]
pub struct Request {
    /// The message.
    pub bytes: Vec<u8>,
    /// Its transaction.
    pub id: TransactionId,
}

/// From where a binding answer is wanted (RFC 5780, CHANGE-REQUEST).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Change {
    /// From the server's other address.
    pub address: bool,
    /// From its other port.
    pub port: bool,
}

/// The answer to a binding request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The public address and port that the server saw.
    pub mapped: SocketAddr,
    /// Where the server listens besides; none if it cannot tell filtering.
    pub other: Option<SocketAddr>,
}

/// Why a request was refused: code and reason phrase (RFC 8489, section 14.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Such as 401.
    pub code: u16,
    /// What the server says of it.
    pub reason: String,
}

/// The long-term credential of a session, once the server has named realm and nonce.
#[derive(Clone)]
pub struct Authentication {
    username: String,
    nonce: String,
    realm: String,
    credentials: MessageIntegrityCredentials,
}

/// Returns a binding request.
pub fn binding_request(change: Change) -> Request {
    let mut message = Message::builder_request(BINDING, MessageWriteVec::new());
    if change != Change::default() {
        let flags = u32::from(change.address) << 2 | u32::from(change.port) << 1;
        add(&mut message, &RawAttribute::new(CHANGE_REQUEST, &flags.to_be_bytes()));
    }
    request(message)
}

/// Reads the answer to the binding request `id`; none if it is anything else.
pub fn read_binding(bytes: &[u8], id: TransactionId) -> Option<Result<Binding, Refusal>> {
    let message = answer_to(bytes, id)?;
    if message.has_class(MessageClass::Error) {
        return Some(Err(refusal(&message)));
    }
    let mapped = message.attribute::<XorMappedAddress>().ok()?.addr(id);
    let other = message.raw_attribute(OTHER_ADDRESS).and_then(|raw| plain_address(&raw.value));
    Some(Ok(Binding { mapped, other }))
}

/// Returns a request for an allocation; the first one goes without credentials.
pub fn allocate(authentication: Option<&Authentication>) -> Request {
    let mut message = Message::builder_request(ALLOCATE, MessageWriteVec::new());
    add(&mut message, &RequestedTransport::new(UDP));
    sign(&mut message, authentication);
    request(message)
}

/// Returns a request that frees the allocation.
pub fn free(authentication: &Authentication) -> Request {
    let mut message = Message::builder_request(REFRESH, MessageWriteVec::new());
    add(&mut message, &Lifetime::new(0));
    sign(&mut message, Some(authentication));
    request(message)
}

/// Returns a request that lets `peer`'s address in.
pub fn permit(authentication: &Authentication, peer: SocketAddr) -> Request {
    let mut message = Message::builder_request(CREATE_PERMISSION, MessageWriteVec::new());
    let id = message.transaction_id();
    add(&mut message, &XorPeerAddress::new(peer, id));
    sign(&mut message, Some(authentication));
    request(message)
}

/// Returns an indication that has the relay send `payload` to `peer`.
pub fn send(peer: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut message = Message::builder_indication(SEND, MessageWriteVec::new());
    let id = message.transaction_id();
    add(&mut message, &XorPeerAddress::new(peer, id));
    add(&mut message, &Data::new(payload));
    message.finish()
}

/// Reads what the relay received for us; none if it is anything else.
pub fn read_data(bytes: &[u8]) -> Option<Vec<u8>> {
    let message = Message::from_bytes(bytes).ok()?;
    let is_data = message.has_class(MessageClass::Indication) && message.has_method(DATA);
    let data = message.attribute::<Data<'_>>().ok().filter(|_| is_data)?;
    Some(data.data().to_vec())
}

/// Reads the answer to request `id`, which must be signed if the request was, with the address
/// that was allocated, if it was that; none if it is anything else.
pub fn read_answer(
    bytes: &[u8],
    id: TransactionId,
    authentication: Option<&Authentication>,
) -> Option<Result<Option<SocketAddr>, Refusal>> {
    let message = answer_to(bytes, id)?;
    if message.has_class(MessageClass::Error) {
        return Some(Err(refusal(&message)));
    }
    if let Some(authentication) = authentication {
        message.validate_integrity(&authentication.credentials).ok()?;
    }
    Some(Ok(message.attribute::<XorRelayedAddress>().ok().map(|address| address.addr(id))))
}

/// Reads realm and nonce from the refusal of an unsigned or stale request.
pub fn authentication(bytes: &[u8], username: &str, password: &str) -> Option<Authentication> {
    let message = Message::from_bytes(bytes).ok()?;
    let realm = message.attribute::<Realm>().ok()?.realm().to_owned();
    let nonce = message.attribute::<Nonce>().ok()?.nonce().to_owned();
    let username = username.to_owned();
    let credentials =
        LongTermKeyCredentials::new(username.clone(), password.to_owned(), realm.clone()).into();
    Some(Authentication { username, nonce, realm, credentials })
}

fn request(message: MessageWriteVec) -> Request {
    let id = message.transaction_id();
    Request { bytes: message.finish(), id }
}

fn add(message: &mut MessageWriteVec, attribute: &dyn AttributeWrite) {
    message.add_attribute(attribute).expect("each attribute is added once, integrity last");
}

fn sign(message: &mut MessageWriteVec, authentication: Option<&Authentication>) {
    let Some(authentication) = authentication else { return };
    let Authentication { username, nonce, realm, credentials } = authentication;
    // A name that is too long cannot be sent; the server then refuses, which is what it is.
    if let Ok(username) = Username::new(username) {
        add(message, &username);
    }
    if let (Ok(realm), Ok(nonce)) = (Realm::new(realm), Nonce::new(nonce)) {
        add(message, &realm);
        add(message, &nonce);
    }
    message
        .add_message_integrity(credentials, IntegrityAlgorithm::Sha1)
        .expect("integrity is added once");
}

fn answer_to(bytes: &[u8], id: TransactionId) -> Option<Message<'_>> {
    let message = Message::from_bytes(bytes).ok()?;
    (message.is_response() && message.transaction_id() == id).then_some(message)
}

fn refusal(message: &Message<'_>) -> Refusal {
    match message.attribute::<ErrorCode>() {
        Ok(error) => Refusal {
            code: error.code(),
            reason: error.reason().chars().filter(|c| !c.is_control()).take(100).collect(),
        },
        Err(_) => Refusal { code: 0, reason: "an error without a code".to_owned() },
    }
}

/// RFC 8489, section 14.1: a zero, the family, the port, the address.
fn plain_address(value: &[u8]) -> Option<SocketAddr> {
    let (head, address) = value.split_first_chunk::<4>()?;
    let ip = match (head[1], address.len()) {
        (1, 4) => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?)),
        (2, 16) => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes([head[2], head[3]])))
}
