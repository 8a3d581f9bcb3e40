package com.example.taggle;

import java.util.Set;
import java.util.stream.Stream;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.info.BuildProperties;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** The version that runs, and the slot that it runs in. */
@Component
class Release {

    private static final Set<String> SLOTS = Set.of("prod1", "prod2");

    private final String version;
    private final String slot;

    Release(ObjectProvider<BuildProperties> build, Environment environment) {
        // build-info.properties comes from Gradle and is missing when an IDE runs the classes.
        BuildProperties properties = build.getIfAvailable();
        this.version = properties == null ? "development" : properties.getVersion();
        this.slot = Stream.of(environment.getActiveProfiles())
                .filter(SLOTS::contains)
                .findFirst()
                .orElse("default");
    }

    String version() {
        return version;
    }

    String slot() {
        return slot;
    }
}
