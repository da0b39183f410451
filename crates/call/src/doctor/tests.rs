use super::*;
use crate::stats::{PathStats, RemoteStats};

fn path(kind: &str) -> Option<PathStats> {
    let (local_candidate_type, remote_candidate_type) = (kind.to_owned(), "host".to_owned());
    Some(PathStats { local_candidate_type, remote_candidate_type, protocol: "udp".to_owned() })
}

fn well() -> (CallStats, Health, Health) {
    let stats =
        CallStats { path: path("host"), round_trip_time: Some(0.03), ..CallStats::default() };
    let fine = Health {
        available_kbps: Some(2_000),
        busy_permille: 300,
        microphone: MicrophoneHealth::Good,
        picture: true,
        ..Health::default()
    };
    (stats, fine, fine)
}

fn found(
    change: impl FnOnce(&mut CallStats, &mut Health, &mut Health),
) -> Option<(Trouble, Remedy)> {
    let (mut stats, mut mine, mut theirs) = well();
    change(&mut stats, &mut mine, &mut theirs);
    diagnose(&stats, &mine, Some(&theirs)).map(|found| (found.trouble, found.remedy))
}

#[test]
fn nothing_is_found_where_all_is_well() {
    assert_eq!(found(|_, _, _| {}), None);
}

#[test]
fn loss_in_one_direction_is_the_uplink_of_its_sender() {
    let mine = found(|_, _, theirs| theirs.lost_permille = 80);
    assert_eq!(mine, Some((Trouble::MyUplink, Remedy::StopPicture)));
    let theirs = found(|stats, _, _| stats.fraction_lost = 0.08);
    assert_eq!(theirs, Some((Trouble::TheirUplink, Remedy::AskToStopPicture)));
}

#[test]
fn without_a_picture_to_stop_the_network_is_to_be_improved() {
    let mine = found(|_, mine, theirs| (mine.picture, theirs.lost_permille) = (false, 80));
    assert_eq!(mine, Some((Trouble::MyUplink, Remedy::ImproveNetwork)));
    let theirs = found(|stats, _, theirs| (stats.fraction_lost, theirs.picture) = (0.08, false));
    assert_eq!(theirs, Some((Trouble::TheirUplink, Remedy::AskToImproveNetwork)));
}

#[test]
fn an_uplink_too_narrow_for_pictures_is_named_though_nothing_is_lost() {
    let mine = found(|_, mine, _| mine.available_kbps = Some(90));
    assert_eq!(mine.map(|found| found.0), Some(Trouble::MyUplink));
    let theirs = found(|_, _, theirs| theirs.available_kbps = Some(90));
    assert_eq!(theirs.map(|found| found.0), Some(Trouble::TheirUplink));
    let without = found(|_, mine, _| (mine.available_kbps, mine.picture) = (Some(90), false));
    assert_eq!(without, None, "a voice needs no more");
}

#[test]
fn loss_in_both_directions_is_the_path_or_the_relay_on_it() {
    let both = |stats: &mut CallStats, theirs: &mut Health| {
        (stats.fraction_lost, theirs.lost_permille) = (0.08, 60);
    };
    let direct = found(|stats, _, theirs| both(stats, theirs));
    assert_eq!(direct, Some((Trouble::Path, Remedy::CallAgain)));
    let relayed = found(|stats, _, theirs| {
        both(stats, theirs);
        stats.path = path("relay");
    });
    assert_eq!(relayed, Some((Trouble::Relay, Remedy::CallAgain)));
}

#[test]
fn a_long_way_is_told_as_such_and_a_hidden_address_as_its_cause() {
    let far = found(|stats, _, _| stats.round_trip_time = Some(0.5));
    assert_eq!(far, Some((Trouble::Path, Remedy::TakeTurns)));
    let hidden = found(|stats, mine, _| {
        (stats.round_trip_time, stats.path, mine.hides_address) = (Some(0.5), path("relay"), true);
    });
    assert_eq!(hidden, Some((Trouble::Relay, Remedy::ShowAddress)));
}

#[test]
fn a_busy_computer_goes_before_the_loss_that_it_makes() {
    let mine = found(|stats, mine, _| (mine.busy_permille, stats.fraction_lost) = (950, 0.2));
    assert_eq!(mine, Some((Trouble::MyProcessor, Remedy::ClosePrograms)));
    let theirs = found(|stats, _, theirs| (theirs.busy_permille, stats.fraction_lost) = (950, 0.2));
    assert_eq!(theirs, Some((Trouble::TheirProcessor, Remedy::AskToClosePrograms)));
}

#[test]
fn microphones_come_last_and_the_own_one_first_among_them() {
    let silent = found(|_, mine, theirs| {
        (mine.microphone, theirs.microphone) =
            (MicrophoneHealth::Silent, MicrophoneHealth::Clipping);
    });
    assert_eq!(silent, Some((Trouble::MyMicrophoneSilent, Remedy::CheckMicrophone)));
    let theirs = found(|_, _, theirs| theirs.microphone = MicrophoneHealth::Clipping);
    assert_eq!(theirs, Some((Trouble::TheirMicrophoneClipping, Remedy::AskToLowerMicrophone)));
}

#[test]
fn the_reports_of_rtcp_stand_in_for_an_older_version_that_tells_nothing() {
    let (mut stats, mine, _) = well();
    stats.audio_sent.remote = Some(RemoteStats { fraction_lost: 0.2, ..RemoteStats::default() });
    let found = diagnose(&stats, &mine, None).map(|found| found.trouble);
    assert_eq!(found, Some(Trouble::MyUplink));
}

#[test]
fn a_way_that_keeps_pictures_small_is_named_with_what_it_carries() {
    let (stats, mut mine, mut theirs) = well();
    theirs.narrowed_kbps = Some(350);
    let found = diagnose(&stats, &mine, Some(&theirs));
    let named = Diagnosis {
        trouble: Trouble::TheirUplinkNarrow,
        remedy: Remedy::AskToFreeNetwork,
        kbps: Some(350),
    };
    assert_eq!(found, Some(named));
    mine.narrowed_kbps = Some(500);
    let found = diagnose(&stats, &mine, Some(&theirs));
    let own = (Trouble::MyUplinkNarrow, Some(500));
    assert_eq!(found.map(|found| (found.trouble, found.kbps)), Some(own), "something can be done");
    theirs.lost_permille = 80;
    let found = diagnose(&stats, &mine, Some(&theirs));
    assert_eq!(found.map(|found| found.trouble), Some(Trouble::MyUplink), "loss is worse");
}

#[test]
fn what_a_narrow_way_carries_is_told_anew_when_it_is_quite_another() {
    let narrow = |kbps| {
        let kbps = Some(kbps);
        Some(Diagnosis { trouble: Trouble::MyUplinkNarrow, remedy: Remedy::FreeNetwork, kbps })
    };
    let mut doctor = Doctor::default();
    assert_eq!(told(&mut doctor, &[narrow(400); 5]), narrow(400));
    assert_eq!(told(&mut doctor, &[narrow(370), narrow(440)]), narrow(400));
    assert_eq!(told(&mut doctor, &[narrow(200)]), narrow(200));
}

const UPLINK: Option<Diagnosis> =
    Some(Diagnosis { trouble: Trouble::MyUplink, remedy: Remedy::StopPicture, kbps: None });
const PATH: Option<Diagnosis> =
    Some(Diagnosis { trouble: Trouble::Path, remedy: Remedy::TakeTurns, kbps: None });

fn told(doctor: &mut Doctor, found: &[Option<Diagnosis>]) -> Option<Diagnosis> {
    found.iter().map(|one| doctor.observe(*one)).last().flatten()
}

#[test]
fn a_trouble_is_told_when_it_lasts_and_withdrawn_when_it_is_over() {
    let mut doctor = Doctor::default();
    assert_eq!(told(&mut doctor, &[UPLINK, None, UPLINK, UPLINK]), None);
    assert_eq!(told(&mut doctor, &[UPLINK]), UPLINK);
    assert_eq!(told(&mut doctor, &[None, UPLINK, None, None]), UPLINK, "it wavers");
    assert_eq!(told(&mut doctor, &[None; 8]), None);
}

#[test]
fn another_trouble_takes_over_when_it_has_shown_more_often() {
    let mut doctor = Doctor::default();
    assert_eq!(told(&mut doctor, &[UPLINK; 8]), UPLINK);
    assert_eq!(told(&mut doctor, &[PATH; 4]), UPLINK);
    assert_eq!(told(&mut doctor, &[PATH; 2]), PATH);
}
