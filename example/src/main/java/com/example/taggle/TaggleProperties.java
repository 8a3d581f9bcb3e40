package com.example.taggle;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * @param warmUp how long it takes to fill the caches; only after that is the application ready
 */
@ConfigurationProperties("taggle")
record TaggleProperties(@DefaultValue("0s") Duration warmUp) {}
