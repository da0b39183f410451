//! What a person asks for, turned into inputs and orders.

use super::{Controller, refuse};
use crate::view::{Intent, IntentError, IntentErrorCode, Settings};
use tincan_call::Input;
use tincan_proto::{AccountName, CallId, ClientMessage};

impl Controller {
    pub(super) async fn carry_out(&mut self, intent: Intent) -> Result<(), IntentError> {
        match intent {
            Intent::SignIn { name, server } => {
                self.session.close().await;
                return self.sign_in(&name, server);
            }
            Intent::SignOut => self.sign_out().await,
            Intent::RetryConnection => self.retry_connection(),
            Intent::AddContact { name } => {
                let name: AccountName = name
                    .parse()
                    .map_err(|error| refuse(IntentErrorCode::BadName, format!("{error}")))?;
                return self.ask_server(ClientMessage::AddContact { name });
            }
            Intent::AnswerRequest { name, accept } => {
                return self.ask_server(ClientMessage::AnswerRequest { name, accept });
            }
            Intent::RemoveContact { name } => {
                self.online()?;
                self.remove_contact(name);
            }
            Intent::Call { to, media } => {
                self.online()?;
                if self.calls.state().current.is_some() {
                    return Err(refuse(IntentErrorCode::InCall, "already in a call"));
                }
                self.reachable()?;
                let call = CallId::random(&mut rand::rng());
                self.choose_talk().await;
                self.step(Input::CallPressed { call, to, media }).await;
            }
            Intent::Accept { call, media } => {
                self.ringing(call)?;
                self.reachable()?;
                self.choose_talk().await;
                self.step(Input::AcceptPressed { call, media }).await;
            }
            Intent::Decline { call } => {
                self.ringing(call)?;
                self.step(Input::DeclinePressed { call }).await;
            }
            Intent::HangUp => {
                if self.calls.state().current.is_none() {
                    return Err(refuse(IntentErrorCode::NoCall, "there is no call"));
                }
                self.step(Input::HangUpPressed).await;
            }
            Intent::ReconnectNow => {
                if self.calls.state().current.is_none() {
                    return Err(refuse(IntentErrorCode::NoCall, "there is no call"));
                }
                self.session.retry_now();
                self.step(Input::ReconnectPressed).await;
            }
            Intent::SetMicrophone { on } => {
                self.talk.switched();
                self.step(Input::MicrophoneSwitched { on }).await;
            }
            Intent::HoldMicrophone { held } => self.hold_microphone(held).await,
            Intent::SetCamera { on } => self.step(Input::CameraSwitched { on }).await,
            Intent::PauseCamera { on } => self.step(Input::CameraPaused { on }).await,
            Intent::ChooseDevice { device, id } => self.choose_device(device, id),
            Intent::SetVolume { account, percent } => {
                let percent = self.preferences.set_volume(account.clone(), percent);
                self.media.set_volume(&account, percent);
                self.keep_preferences();
            }
            Intent::SetPictureQuality { quality } => {
                self.preferences.settings.picture_quality = quality;
                self.keep_preferences();
                self.apply_devices();
                self.limit_incoming().await;
            }
            Intent::RefreshDevices => self.media.list_devices(),
            Intent::TestSound { device } => self.test_sound(device),
            Intent::SampleSound { on } => self.sample_sound(on),
            Intent::TestMicrophone { on } => {
                self.devices.testing_microphone = on;
                self.apply_devices();
            }
            Intent::PreviewCamera { on } => {
                self.devices.previewing_camera = on;
                self.apply_devices();
            }
            Intent::ListScreens => self.list_screens(),
            Intent::WatchScreens { on } => self.watch_screens(on),
            Intent::ShareScreen { target } => return self.share_screen(target).await,
            Intent::StopSharing => self.step(Input::StopSharingPressed).await,
            Intent::ShowWhileSharing { camera } => {
                self.step(Input::ShareCameraSwitched { on: camera }).await;
            }
            Intent::UpdateSettings { settings } => {
                let checked = settings.check_ice_servers();
                checked.map_err(|e| refuse(IntentErrorCode::BadIceServer, e.to_string()))?;
                self.step(Input::AddressHidden { on: settings.hide_address }).await;
                let talk = settings.talk;
                let changed = self.preferences.settings.talk != talk;
                self.update_settings(settings);
                self.limit_incoming().await;
                if changed {
                    self.change_talk().await;
                }
            }
            Intent::CheckConnection => self.check_connection(),
            Intent::CancelConnectionCheck => self.check.cancel(),
            Intent::DismissEnded => self.step(Input::EndedDismissed).await,
            Intent::DismissNotice { id } => self.notices.dismiss(id),
        }
        self.changed = true;
        Ok(())
    }

    fn online(&self) -> Result<(), IntentError> {
        let offline = || refuse(IntentErrorCode::Offline, "not connected to the server");
        self.session.is_online().then_some(()).ok_or_else(offline)
    }

    fn ask_server(&self, message: ClientMessage) -> Result<(), IntentError> {
        self.online()?;
        let sent = self.session.send(message);
        sent.then_some(()).ok_or_else(|| refuse(IntentErrorCode::Offline, "the server is gone"))
    }

    /// Whether a connection can come about with the addresses that may be shown.
    fn reachable(&self) -> Result<(), IntentError> {
        if self.preferences.settings.hide_address && !self.has_relay() {
            return Err(refuse(IntentErrorCode::NoRelay, "addresses are hidden, without a relay"));
        }
        Ok(())
    }

    fn ringing(&self, call: CallId) -> Result<(), IntentError> {
        let known = self.calls.state().incoming.iter().any(|incoming| incoming.id == call);
        known.then_some(()).ok_or_else(|| refuse(IntentErrorCode::NoCall, "it no longer rings"))
    }

    fn update_settings(&mut self, settings: Settings) {
        self.media.set_processing(&settings);
        self.preferences.settings = settings;
        self.apply_devices();
        self.follow_sounds();
        self.keep_preferences();
    }

    pub(super) fn keep_preferences(&mut self) {
        if let Err(error) = self.profile.keep_preferences(&self.preferences) {
            self.not_saved(&error);
        }
    }
}
