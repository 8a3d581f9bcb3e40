package com.example.taggle;

import java.io.IOException;
import java.io.InputStream;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
class GreetingController {

    private final Release release;

    GreetingController(Release release) {
        this.release = release;
    }

    record Greeting(String message, String version, String slot) {}

    @GetMapping("/")
    Greeting greet(@RequestParam(defaultValue = "world") String name) {
        return new Greeting("Hello, %s".formatted(name), release.version(), release.slot());
    }

    @GetMapping(path = "/version", produces = MediaType.TEXT_PLAIN_VALUE)
    String version() {
        return release.version();
    }

    @PostMapping("/echo")
    byte[] echo(InputStream body) throws IOException {
        return body.readAllBytes();
    }
}
