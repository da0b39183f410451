use super::*;
use rtc::stun::attributes::{
    ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_USE_CANDIDATE, ATTR_USERNAME, AttrType,
};
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, Message, Setter};

const OURS: &str = "v=0\r\nm=audio\r\na=ice-ufrag:we\r\na=ice-pwd:our secret\r\n";
const THEIRS: &str = "v=0\r\nm=audio\r\na=ice-ufrag:they\r\na=ice-pwd:their secret\r\n";
const OTHERS: &str = "v=0\r\nm=audio\r\na=ice-ufrag:them\r\na=ice-pwd:other secret\r\n";
const CHOOSES: &[AttrType] = &[ATTR_ICE_CONTROLLING];
const NOMINATES: &[AttrType] = &[ATTR_ICE_CONTROLLING, ATTR_USE_CANDIDATE];
const FOLLOWS: &[AttrType] = &[ATTR_ICE_CONTROLLED];
const MS: Duration = Duration::from_millis(1);

fn provider() -> Arc<dyn RTCCryptoProvider> {
    rtc_crypto::default_provider().expect("one is built in")
}

fn credentials(sdp: &str) -> Credentials {
    Credentials::of(sdp).expect("they are in there")
}

fn path() -> Path {
    (SocketAddr::from(([10, 0, 0, 1], 1000)), SocketAddr::from(([10, 0, 0, 2], 2000)))
}

fn another_path() -> Path {
    (path().0, SocketAddr::from(([10, 0, 0, 2], 2001)))
}

/// A check by whoever `from` describes for whoever `to` does.
fn check(from: &str, to: &str, attributes: &[AttrType]) -> Vec<u8> {
    let word = |sdp: &str, name: &str| {
        let line = sdp.lines().find_map(|line| line.strip_prefix(name));
        line.expect("it is in there").to_owned()
    };
    let name = format!("{}:{}", word(to, "a=ice-ufrag:"), word(from, "a=ice-ufrag:"));
    let provider = provider();
    let mut message = Message::new();
    message.build(&[Box::new(BINDING_REQUEST), Box::new(TransactionId::new())]).expect("built");
    message.add(ATTR_USERNAME, name.as_bytes());
    for &typ in attributes {
        message.add(typ, &[]);
    }
    let password = word(to, "a=ice-pwd:");
    let integrity =
        MessageIntegrity::new_short_term_integrity_with_provider(password, provider.crypto());
    integrity.add_to(&mut message).expect("signed");
    message.raw
}

/// What whoever `by` describes says to a check.
fn success(check: &[u8], by: &str) -> Vec<u8> {
    let check = Binding::read(check).expect("a check");
    check.success(&credentials(by), path().0, provider().crypto()).expect("an answer")
}

fn nominations(early: bool, careful: bool) -> Nominations<()> {
    let mut nominations = Nominations::new(provider(), early);
    nominations.describe_local(OURS);
    nominations.describe_remote(THEIRS, careful);
    nominations
}

fn sends(nominations: &mut Nominations<()>, datagram: &[u8]) -> Option<Vec<u8>> {
    nominations.sent(Instant::now(), path(), || (), datagram)
}

fn hears(nominations: &mut Nominations<()>, datagram: &[u8]) -> Arriving {
    nominations.arriving(path(), || true, datagram)
}

fn is_answer(answer: &[u8], check: &[u8]) -> bool {
    let (answer, check) = (Binding::read(answer), Binding::read(check));
    let (Some(answer), Some(check)) = (answer, check) else { return false };
    answer.transaction() == check.transaction()
        && answer.is_signed(&credentials(THEIRS), provider().crypto())
}

#[test]
fn a_nomination_is_answered_here_and_repeated_until_its_real_answer() {
    let mut nominations = nominations(false, false);
    let (start, nomination) = (Instant::now(), check(OURS, THEIRS, NOMINATES));
    let answer = nominations.sent(start, path(), || (), &nomination).expect("answered");
    assert!(is_answer(&answer, &nomination));
    assert!(nominations.due(start + FIRST_PAUSE - MS).is_none(), "too early");
    let again = nominations.due(start + FIRST_PAUSE);
    assert_eq!(again, Some(((), nomination.clone().into())));
    let real = success(&nomination, THEIRS);
    assert_eq!(hears(&mut nominations, &real), Arriving::Drop);
    assert_eq!(nominations.deadline(), None);
    assert_eq!(hears(&mut nominations, &real), Arriving::Drop, "a copy's answer");
}

#[test]
fn a_nomination_without_an_answer_is_repeated_ever_more_slowly_and_not_for_ever() {
    let (mut nominations, start) = (nominations(false, false), Instant::now());
    let nomination = check(OURS, THEIRS, NOMINATES);
    assert!(nominations.sent(start, path(), || (), &nomination).is_some());
    let (mut now, mut pauses) = (start, Vec::new());
    while let Some(at) = nominations.deadline() {
        assert!(nominations.due(at).is_some());
        pauses.push(at - now);
        now = at;
    }
    assert_eq!(pauses.len(), MAX_REPEATS as usize);
    assert!(pauses.is_sorted());
    assert_eq!((pauses.first(), pauses.last()), (Some(&FIRST_PAUSE), Some(&LAST_PAUSE)));
}

#[test]
fn a_forged_answer_ends_nothing() {
    let mut nominations = nominations(false, false);
    let nomination = check(OURS, THEIRS, NOMINATES);
    assert!(sends(&mut nominations, &nomination).is_some());
    let forged = success(&nomination, OTHERS);
    assert_eq!(hears(&mut nominations, &forged), Arriving::Read);
    assert!(nominations.deadline().is_some());
}

#[test]
fn what_the_crate_would_refuse_is_not_said() {
    let mut nominations = nominations(true, true);
    let nomination = check(OURS, OTHERS, NOMINATES);
    assert_eq!(sends(&mut nominations, &nomination), None);
    assert_eq!(nominations.deadline(), None);
    assert_eq!(hears(&mut nominations, &success(&nomination, OTHERS)), Arriving::Read);
}

#[test]
fn a_nomination_through_a_relay_is_answered_through_it() {
    let framed = |content: &[u8]| {
        let length = (content.len() as u16).to_be_bytes();
        [&[0x40, 0x01], length.as_slice(), content].concat()
    };
    let mut nominations = nominations(true, true);
    let nomination = check(OURS, THEIRS, NOMINATES);
    let answer = sends(&mut nominations, &framed(&nomination)).expect("answered");
    assert!(is_answer(look(&answer).content, &nomination));
    assert_eq!(answer, framed(look(&answer).content));
    let real = framed(&success(&nomination, THEIRS));
    assert_eq!(hears(&mut nominations, &real), Arriving::Drop);
}

#[test]
fn a_check_from_there_answers_the_last_one_from_here() {
    let mut nominations = nominations(true, true);
    let (first, last) = (check(OURS, THEIRS, CHOOSES), check(OURS, THEIRS, CHOOSES));
    assert_eq!(sends(&mut nominations, &first), None);
    assert_eq!(sends(&mut nominations, &last), None);
    let theirs = check(THEIRS, OURS, FOLLOWS);
    let Arriving::After(answer) = hears(&mut nominations, &theirs) else { panic!("it is said") };
    assert!(is_answer(&answer, &last));
    assert_eq!(hears(&mut nominations, &theirs), Arriving::Read, "once is enough");
    assert_eq!(hears(&mut nominations, &success(&first, THEIRS)), Arriving::Read);
    assert_eq!(hears(&mut nominations, &success(&last, THEIRS)), Arriving::Drop);
}

#[test]
fn no_check_is_answered_here_unless_that_is_safe() {
    let theirs = check(THEIRS, OURS, FOLLOWS);
    let try_with = |mut nominations: Nominations<()>, sent: &[u8], announced, heard: &[u8]| {
        sends(&mut nominations, sent);
        nominations.arriving(path(), || announced, heard)
    };
    let ours = check(OURS, THEIRS, CHOOSES);
    let safe = |sent: &[u8], heard: &[u8]| try_with(nominations(true, true), sent, true, heard);
    assert!(matches!(safe(&ours, &theirs), Arriving::After(_)));
    for (why, result) in [
        ("not wanted", try_with(nominations(false, true), &ours, true, &theirs)),
        ("they may take it too soon", try_with(nominations(true, false), &ours, true, &theirs)),
        ("not announced", try_with(nominations(true, true), &ours, false, &theirs)),
        ("nothing asked", safe(&[], &theirs)),
        ("they choose", safe(&check(OURS, THEIRS, FOLLOWS), &theirs)),
        ("chosen already", safe(&check(OURS, THEIRS, NOMINATES), &theirs)),
        ("both choose", safe(&ours, &check(THEIRS, OURS, CHOOSES))),
        ("somebody else", safe(&ours, &check(OTHERS, OURS, FOLLOWS))),
        ("for somebody else", safe(&ours, &check(THEIRS, OTHERS, FOLLOWS))),
        ("signed by nobody", safe(&ours, &theirs[..theirs.len() - 24])),
    ] {
        assert_eq!(result, Arriving::Read, "{why}");
    }
    let mut elsewhere = nominations(true, true);
    sends(&mut elsewhere, &ours);
    assert_eq!(elsewhere.arriving(another_path(), || true, &theirs), Arriving::Read);
}

#[test]
fn other_credentials_begin_anew() {
    let mut nominations = nominations(true, true);
    assert!(sends(&mut nominations, &check(OURS, THEIRS, NOMINATES)).is_some());
    nominations.describe_remote(THEIRS, true);
    assert!(nominations.deadline().is_some(), "the same again");
    nominations.describe_remote(OTHERS, true);
    assert_eq!(nominations.deadline(), None);
    assert_eq!(sends(&mut nominations, &check(OURS, OTHERS, CHOOSES)), None);
    let theirs = check(OTHERS, OURS, FOLLOWS);
    assert!(matches!(hears(&mut nominations, &theirs), Arriving::After(_)));
}

#[test]
fn the_round_trip_is_hidden_until_there_was_one() {
    let mut nominations = nominations(false, false);
    assert!(!nominations.hides_round_trip());
    let nomination = check(OURS, THEIRS, NOMINATES);
    assert!(sends(&mut nominations, &nomination).is_some());
    assert_eq!(hears(&mut nominations, &success(&nomination, THEIRS)), Arriving::Drop);
    assert!(nominations.hides_round_trip());
    let later = check(OURS, THEIRS, CHOOSES);
    assert_eq!(sends(&mut nominations, &later), None);
    assert_eq!(hears(&mut nominations, &success(&later, THEIRS)), Arriving::Read);
    assert!(!nominations.hides_round_trip());
}

#[test]
fn what_is_cut_or_broken_passes() {
    let mut nominations = nominations(true, true);
    let nomination = check(OURS, THEIRS, NOMINATES);
    for length in 0..nomination.len() {
        assert_eq!(sends(&mut nominations, &nomination[..length]), None, "{length}");
        assert_eq!(hears(&mut nominations, &nomination[..length]), Arriving::Read, "{length}");
    }
}
