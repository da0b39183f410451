//! Holding the camera's picture back while the camera stays open.

use crate::desk::*;
use tincan_call::*;
use tincan_proto::ControlMessage;
use tincan_proto::signalling::CallMedia;

fn said(camera: bool, screen: bool, paused: bool) -> ControlMessage {
    ControlMessage::Media { microphone: true, camera, screen, paused }
}

fn pause(on: bool) -> Input {
    Input::CameraPaused { on }
}

#[test]
fn a_paused_picture_is_told_and_its_camera_stays_open() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(pause(true));
    assert_eq!(desk.picture(), Some(Picture::Paused));
    assert_eq!(desk.controls(), [said(false, false, true)]);
    desk.step(pause(true));
    assert_eq!(desk.out.commands, [], "no change, no word");
    desk.step(pause(false));
    assert_eq!(
        (desk.picture(), desk.controls()),
        (Some(Picture::Camera), vec![said(true, false, false)])
    );
}

#[test]
fn switching_the_camera_either_way_ends_the_pause() {
    for (on, picture) in [(false, Picture::Nothing), (true, Picture::Camera)] {
        let mut desk = Desk::in_call_with_bob();
        desk.step(pause(true)).step(Input::CameraSwitched { on });
        assert_eq!(desk.picture(), Some(picture));
        assert_eq!(desk.controls(), [said(on, false, false)]);
        desk.step(Input::CameraSwitched { on: true });
        assert_eq!(desk.current().picture(), Picture::Camera, "nothing is left of it");
    }
}

#[test]
fn a_camera_that_is_off_cannot_be_paused() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(Input::CameraSwitched { on: false }).step(pause(true));
    assert_eq!(desk.out.commands, []);
    desk.step(Input::CameraSwitched { on: true });
    assert_eq!(desk.picture(), Some(Picture::Camera));
}

#[test]
fn a_screen_is_shared_from_a_pause_which_goes_on_after_it() {
    let mut desk = Desk::in_call_with_bob();
    desk.step(pause(true));
    desk.step(Input::SharePressed { target: None });
    desk.step(Input::ShareStarted { share: ShareId(1) });
    assert_eq!(desk.controls(), [said(true, true, false)]);
    desk.step(Input::StopSharingPressed);
    assert_eq!(desk.picture(), Some(Picture::Paused));
    assert_eq!(desk.controls(), [said(false, false, true)]);
}

#[test]
fn the_camera_shown_in_the_place_of_a_screen_is_seen_and_its_pause_ends_with_it() {
    let mut desk = Desk::alice();
    desk.press_call(5, &["bob"], CallMedia::Audio).accepted(5, &device("bob", 2));
    desk.connects(5, &device("bob", 2));
    desk.step(Input::SharePressed { target: None });
    desk.step(Input::ShareStarted { share: ShareId(1) });
    desk.step(Input::ShareCameraSwitched { on: true }).step(pause(true));
    assert_eq!(desk.picture(), Some(Picture::Paused));
    desk.step(Input::ShareCameraSwitched { on: false });
    assert_eq!(desk.picture(), Some(Picture::Screen(ShareId(1))));
    desk.step(Input::ShareCameraSwitched { on: true });
    assert_eq!(desk.picture(), Some(Picture::Camera));
}

#[test]
fn what_the_others_pause_is_shown_until_they_send_or_stop() {
    let mut desk = Desk::in_call_with_bob();
    let bob = device("bob", 2);
    let mut hear = |message| {
        desk.peer(5, &bob, PeerInput::Control(message));
        let shown = &desk.current().participants[0];
        (shown.camera, shown.paused)
    };
    assert_eq!(hear(said(false, false, true)), (false, true));
    assert_eq!(hear(said(true, false, true)), (true, false), "a picture that is sent counts");
    assert_eq!(hear(said(false, false, true)), (false, true));
    assert_eq!(hear(said(false, false, false)), (false, false));
}

#[test]
fn a_camera_that_delivers_nothing_is_no_picture_for_the_others_until_it_does() {
    let mut desk = Desk::in_call_with_bob();
    let notice = |fails| Input::CameraNoticed { fails };
    desk.step(notice(true));
    assert_eq!(desk.out.commands.len(), 1, "the camera is not closed: it may come back");
    assert_eq!(desk.controls(), [said(false, false, false)]);
    desk.step(pause(true));
    assert_eq!(desk.controls(), [said(false, false, true)]);
    desk.step(notice(false));
    assert_eq!(desk.out.commands, [], "they see no difference");
    desk.step(pause(false)).step(notice(true)).step(notice(false));
    assert_eq!(desk.controls(), [said(true, false, false)]);
}
