package com.example.taggle;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Delays a request by the milliseconds of {@code ?ms=3000}, to try by hand that a switch drops no request. */
@Component
class SlowDownFilter extends OncePerRequestFilter {

    private static final long LONGEST_MS = 60_000;

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        // Not getParameter: for a form it reads the body, and the controller then gets an empty one.
        return delay(request.getQueryString()) == 0;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        try {
            Thread.sleep(delay(request.getQueryString()));
        } catch (InterruptedException exception) {
            Thread.currentThread().interrupt();
        }
        chain.doFilter(request, response);
    }

    private static long delay(String query) {
        if (query == null) {
            return 0;
        }
        for (String parameter : query.split("&")) {
            if (parameter.matches("ms=\\d{1,6}")) {
                return Math.min(LONGEST_MS, Long.parseLong(parameter.substring(3)));
            }
        }
        return 0;
    }
}
