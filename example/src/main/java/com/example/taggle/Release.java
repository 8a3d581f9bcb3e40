package com.example.taggle;

import java.util.Set;
import java.util.stream.Stream;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.info.BuildProperties;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** What is running, and in which of the two slots. */
@Component
class Release {

    private static final Set<String> SLOTS = Set.of("prod1", "prod2");

    private final String version;
    private final String slot;

    Release(ObjectProvider<BuildProperties> build, Environment environment) {
        // An IDE runs the classes without Gradle's build-info.properties.
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
