// Loaded into xdg-desktop-portal-wlr, in tests only. A compositor without a GPU never sends the screencopy event
// `linux_dmabuf`, and version 0.7 of the portal refuses every cast without it (its issue 289). This behaves as if the event
// had come, right after `buffer`; the portal then offers pictures in shared memory alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

struct wl_proxy;
typedef void (*buffer_event)(void *, void *, uint32_t, uint32_t, uint32_t, uint32_t);
typedef void (*dmabuf_event)(void *, void *, uint32_t, uint32_t, uint32_t);

enum { BUFFER = 0, LINUX_DMABUF = 5, EVENTS = 7 };
static const uint32_t DRM_FORMAT_XRGB8888 = 0x34325258;

static void (*listener[EVENTS])(void);
static buffer_event portals_own;

static void on_buffer(void *data, void *frame, uint32_t format, uint32_t width, uint32_t height, uint32_t stride) {
    portals_own(data, frame, format, width, height, stride);
    ((dmabuf_event)listener[LINUX_DMABUF])(data, frame, DRM_FORMAT_XRGB8888, width, height);
}

int wl_proxy_add_listener(struct wl_proxy *proxy, void (**events)(void), void *data) {
    int (*add)(struct wl_proxy *, void (**)(void), void *) = dlsym(RTLD_NEXT, "wl_proxy_add_listener");
    const char *(*class_of)(struct wl_proxy *) = dlsym(RTLD_NEXT, "wl_proxy_get_class");
    if (strcmp(class_of(proxy), "zwlr_screencopy_frame_v1") == 0) {
        memcpy(listener, events, sizeof listener);
        portals_own = (buffer_event)events[BUFFER];
        listener[BUFFER] = (void (*)(void))on_buffer;
        events = listener;
    }
    return add(proxy, events, data);
}
