package com.example.taggle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.content;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.header;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.jsonPath;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.test.autoconfigure.web.servlet.AutoConfigureMockMvc;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.ActiveProfiles;
import org.springframework.test.web.servlet.MockMvc;

@SpringBootTest
@AutoConfigureMockMvc
@ActiveProfiles("prod2")
class TaggleApplicationTests {

    @Autowired
    private MockMvc mvc;

    @Test
    void eachSlotHasItsOwnPort(@Value("${server.port}") int port) {
        assertEquals(8082, port);
    }

    @Test
    void reportsItsSlot() throws Exception {
        mvc.perform(get("/api/v1/profiles"))
                .andExpect(status().isOk())
                .andExpect(content().string("prod2"))
                .andExpect(header().string("X-Slot", "prod2"));
    }

    @Test
    void isHealthy() throws Exception {
        mvc.perform(get("/actuator/health"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.status").value("UP"));
    }

    @Test
    void greetsByName() throws Exception {
        mvc.perform(get("/").param("name", "Taggle"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.message").value("Hello, Taggle"));
    }

    @Test
    void echoesThePostedBody() throws Exception {
        mvc.perform(post("/echo").contentType("application/octet-stream").content("a body"))
                .andExpect(status().isOk())
                .andExpect(content().string("a body"));
    }
}
