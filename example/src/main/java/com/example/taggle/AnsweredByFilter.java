package com.example.taggle;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Adds the version and the slot to every response, so that a log or a load test shows the switch. */
@Component
class AnsweredByFilter extends OncePerRequestFilter {

    private final Release release;

    AnsweredByFilter(Release release) {
        this.release = release;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        response.setHeader("X-Version", release.version());
        response.setHeader("X-Slot", release.slot());
        chain.doFilter(request, response);
    }
}
