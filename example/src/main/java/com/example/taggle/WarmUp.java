package com.example.taggle;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.ApplicationArguments;
import org.springframework.boot.ApplicationRunner;
import org.springframework.stereotype.Component;

/** Fills the caches before the first request. Health is OUT_OF_SERVICE until {@code run} returns. */
@Component
class WarmUp implements ApplicationRunner {

    private static final Logger log = LoggerFactory.getLogger(WarmUp.class);

    private final TaggleProperties properties;

    WarmUp(TaggleProperties properties) {
        this.properties = properties;
    }

    @Override
    public void run(ApplicationArguments args) throws InterruptedException {
        if (properties.warmUp().isZero()) {
            return;
        }
        log.info("Filling caches for {}", properties.warmUp());
        Thread.sleep(properties.warmUp().toMillis());
    }
}
