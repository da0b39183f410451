//! The sounds of calls: started and stopped as the state says.

use super::Controller;
use crate::sounds::{at_end, lasting};
use crate::view::DeviceKind;
use tincan_call::EndReason;
use tincan_media::tones::Tone;

impl Controller {
    /// Plays what is to be heard as things stand, and nothing else.
    pub(super) fn follow_sounds(&mut self) {
        let settings = &self.preferences.settings;
        let quiet = settings.do_not_disturb || !settings.ringtone;
        let tone = lasting(self.calls.state(), quiet)
            .filter(|tone| settings.call_sounds || *tone != Tone::RingBack);
        if std::mem::replace(&mut self.sounding, tone) == tone {
            return;
        }
        self.sounder.last(tone.map(|tone| (tone, self.device_for(tone))));
    }

    /// The call stands.
    pub(super) fn sound_connected(&self) {
        self.sound_once(Some(Tone::Connected));
    }

    /// A call is over.
    pub(super) fn sound_ended(&self, reason: EndReason) {
        self.sound_once(at_end(reason));
    }

    /// Lets the person hear a device.
    pub(super) fn test_sound(&self, device: DeviceKind) {
        let tone = if device == DeviceKind::Ringer { Tone::Trial } else { Tone::Connected };
        self.sounder.play(tone, self.devices.chosen(device));
    }

    /// Lets the person hear themselves.
    pub(super) fn sample_sound(&self, on: bool) {
        if on {
            let microphone = self.devices.chosen(DeviceKind::Microphone);
            self.sounder.sample(microphone, self.devices.chosen(DeviceKind::Speaker));
        } else {
            self.sounder.stop_sample();
        }
    }

    fn sound_once(&self, tone: Option<Tone>) {
        if let Some(tone) = tone.filter(|_| self.preferences.settings.call_sounds) {
            self.sounder.play(tone, self.device_for(tone));
        }
    }

    fn device_for(&self, tone: Tone) -> Option<String> {
        let on = if tone == Tone::Ring { DeviceKind::Ringer } else { DeviceKind::Speaker };
        self.devices.chosen(on)
    }
}
