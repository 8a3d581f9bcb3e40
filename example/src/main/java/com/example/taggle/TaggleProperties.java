package com.example.taggle;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Settings of this application.
 *
 * @param warmUp how long filling the caches takes; the application is ready after that
 */
@ConfigurationProperties("taggle")
record TaggleProperties(@DefaultValue("0s") Duration warmUp) {}
