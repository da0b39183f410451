//! Sharing a screen in a call.

use crate::desk::*;
use tincan_call::*;
use tincan_proto::ControlMessage;
use tincan_proto::signalling::{CallMedia, LeaveReason};

const FIRST: ShareId = ShareId(1);
const SECOND: ShareId = ShareId(2);

fn bob() -> tincan_proto::ParticipantId {
    device("bob", 2)
}

fn share(target: &str) -> Input {
    Input::SharePressed { target: Some(target.to_owned()) }
}

fn open(share: ShareId, target: &str) -> Command {
    Command::OpenScreen { share, target: Some(target.to_owned()) }
}

fn said(camera: bool, screen: bool) -> ControlMessage {
    ControlMessage::Media { microphone: true, camera, screen, paused: false }
}

/// In a call of two that alice placed to bob's device 2, in which she shares a screen.
fn sharing(media: CallMedia) -> Desk {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], media).accepted(5, &bob());
    desk.connects(5, &bob());
    desk.step(share("a")).step(Input::ShareStarted { share: FIRST });
    desk
}

#[test]
fn the_camera_goes_on_until_the_screens_first_picture_has_come() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(share("a"));
    assert_eq!(desk.out.commands, [open(FIRST, "a")]);
    assert_eq!(desk.current().picture(), Picture::Camera);
    desk.step(Input::ShareStarted { share: FIRST });
    assert_eq!(desk.picture(), Some(Picture::Screen(FIRST)));
    assert_eq!(desk.controls(), [said(true, true)]);
    desk.step(Input::StopSharingPressed);
    assert_eq!(desk.out.commands[0], Command::CloseScreen { share: FIRST });
    assert_eq!(desk.picture(), Some(Picture::Camera), "back to the camera");
    assert_eq!(desk.controls(), [said(true, false)]);
    desk.step(Input::StopSharingPressed);
    assert_eq!(desk.out.commands, [], "nothing is shared any more");
}

#[test]
fn an_audio_call_has_a_picture_while_a_screen_is_shared_and_none_after() {
    let mut desk = sharing(CallMedia::Audio);
    assert_eq!(desk.picture(), Some(Picture::Screen(FIRST)));
    assert_eq!(desk.controls(), [said(true, true)]);
    desk.step(Input::ShareEnded { share: FIRST });
    assert_eq!(
        (desk.picture(), desk.controls()),
        (Some(Picture::Nothing), vec![said(false, false)])
    );
}

#[test]
fn a_share_that_does_not_begin_changes_nothing_for_the_others() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(share("a")).step(Input::ShareEnded { share: FIRST });
    assert_eq!(
        (desk.out.commands.as_slice(), desk.current().sharing),
        (&[][..], Sharing::default())
    );
    desk.step(Input::ShareStarted { share: FIRST });
    assert_eq!(desk.out.commands, [], "too late");
}

#[test]
fn a_dialog_is_given_up_when_the_person_stops_or_chooses_anew() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(share("a")).step(share("b"));
    assert_eq!(desk.out.commands, [Command::CloseScreen { share: FIRST }, open(SECOND, "b")]);
    desk.step(Input::StopSharingPressed);
    assert_eq!(desk.out.commands, [Command::CloseScreen { share: SECOND }]);
}

#[test]
fn another_screen_takes_the_place_of_the_first_only_once_it_delivers() {
    let mut desk = sharing(CallMedia::Video);
    desk.step(share("b"));
    assert_eq!(desk.out.commands, [open(SECOND, "b")]);
    assert_eq!(desk.current().picture(), Picture::Screen(FIRST));
    desk.step(Input::ShareEnded { share: SECOND });
    assert_eq!(desk.current().picture(), Picture::Screen(FIRST), "declined: all stays as it was");

    let third = ShareId(3);
    desk.step(share("c")).step(Input::ShareStarted { share: third });
    assert_eq!(desk.picture(), Some(Picture::Screen(third)));
    assert!(desk.out.commands.contains(&Command::CloseScreen { share: FIRST }));
    desk.step(Input::ShareEnded { share: FIRST });
    assert_eq!(desk.current().picture(), Picture::Screen(third), "that one is history");
}

#[test]
fn the_camera_can_be_shown_while_the_screen_stays_open() {
    for media in [CallMedia::Video, CallMedia::Audio] {
        let mut desk = sharing(media);
        desk.step(Input::ShareCameraSwitched { on: true });
        assert_eq!(
            (desk.picture(), desk.controls()),
            (Some(Picture::Camera), vec![said(true, false)])
        );
        assert_eq!(desk.current().sharing.running, Some(FIRST));
        desk.step(Input::ShareCameraSwitched { on: false });
        assert_eq!(desk.picture(), Some(Picture::Screen(FIRST)));
        desk.step(Input::ShareCameraSwitched { on: true });
        desk.step(Input::CameraSwitched { on: false });
        assert_eq!(desk.picture(), Some(Picture::Screen(FIRST)), "the camera is not wanted");
        desk.step(Input::StopSharingPressed);
        assert_eq!(desk.picture(), Some(Picture::Nothing));
    }
}

#[test]
fn the_camera_switched_on_under_a_screen_is_shown_after_it() {
    let mut desk = sharing(CallMedia::Audio);
    desk.step(Input::CameraSwitched { on: true });
    assert_eq!(desk.picture(), Some(Picture::Screen(FIRST)));
    desk.step(Input::StopSharingPressed);
    assert_eq!(desk.picture(), Some(Picture::Camera));
}

#[test]
fn a_share_ends_with_its_call_and_none_begins_without_one() {
    let mut desk = sharing(CallMedia::Video);
    desk.step(share("b")).left(5, &bob(), LeaveReason::HungUp);
    for share in [FIRST, SECOND] {
        assert!(desk.out.commands.contains(&Command::CloseScreen { share }));
    }
    assert_eq!(desk.picture(), Some(Picture::Nothing));
    desk.step(share("c")).step(Input::ShareStarted { share: SECOND });
    assert_eq!(desk.out.commands, []);
    desk.press_call(6, &["bob"], CallMedia::Audio);
    assert_eq!(desk.current().sharing, Sharing::default());
}

#[test]
fn who_connects_or_comes_back_is_told_that_the_picture_is_a_screen() {
    let mut desk = sharing(CallMedia::Video);
    desk.peer(5, &bob(), PeerInput::ControlOpened);
    assert_eq!(desk.controls(), [said(true, true)]);
}

#[test]
fn a_screen_of_theirs_is_shown_as_one() {
    let mut desk = Desk::in_call_with_bob();
    for (camera, screen, shown) in [(true, true, true), (true, false, false), (false, true, false)]
    {
        let media = ControlMessage::Media { microphone: true, camera, screen, paused: false };
        desk.peer(5, &bob(), PeerInput::Control(media));
        assert_eq!(desk.current().participants[0].screen, shown);
    }
}
