package com.example.taggle;

import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Reports the slot that it runs in. A request through nginx therefore shows which slot is live. */
@RestController
@RequestMapping(path = "/api/v1/profiles", produces = MediaType.TEXT_PLAIN_VALUE)
class ProfileController {

    private final Release release;

    ProfileController(Release release) {
        this.release = release;
    }

    @GetMapping
    String slot() {
        return release.slot();
    }
}
