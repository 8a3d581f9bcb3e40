package com.example.taggle;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

@SpringBootApplication
@ConfigurationPropertiesScan
public class TaggleApplication {

    public static void main(String[] args) {
        SpringApplication.run(TaggleApplication.class, args);
    }
}
